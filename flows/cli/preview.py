"""`pairmill preview`: what a recipe does to its images, and what a build would cost."""

from __future__ import annotations

from pathlib import Path

from pairmill.flows import terminal
from pairmill.flows.cli.pages import OUT, open_page, refuse_to_open
from pairmill.pipeline.html.markup import size
from pairmill.pipeline.preview.page import about, between
from pairmill.pipeline.preview.preview import Request, preview
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.report.provenance import duration
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.preview import PreviewData


def run_preview(
    recipe_path: str,
    images: list[str],
    workspace: str,
    *,
    draws: int,
    out: str | None,
    workers: int | None,
    open_: bool,
) -> PreviewData:
    """Preview a recipe, and say where the page is and what a build would cost.

    Raises:
        UserError: if the recipe is wrong or no image can be used.
    """
    recipe, base = load_recipe(recipe_path)
    one_thread()  # a worker has one too, and times are to be those of workers
    request = Request(
        recipe, base, Path(recipe_path).name, tuple(images), str(Path.cwd()), draws, workers
    )
    target, folder = (
        (Storage(out), ".") if out else (Storage(workspace), layout.preview_folder(recipe.name))
    )
    refuse_to_open(target, OUT, open_=open_)
    data = preview(request, Storage(workspace), target, folder)
    _say(data)
    page = target.path(f"{folder}/index.html")
    terminal.line(f"\n  page     {page}\n  image    {page.removesuffix('index.html')}preview.png")
    if open_:
        open_page(page)
    return data


def _say(data: PreviewData) -> None:
    drawn = ", ".join(f"{len(one.strips)} {one.label}" for one in data.degraders)
    terminal.line(
        f"[bold]{data.name}[/]  programs drawn: {drawn}; x{data.scale}, {data.seconds:.1f} s, "
        "nothing was built\n"
    )
    cost = data.cost
    rows = [
        [
            row.stage,
            "-" if row.found else duration(row.seconds),
            size(row.bytes) if row.bytes else "",
            row.basis,
        ]
        for row in cost.rows
    ]
    rows.append(["total", duration(cost.seconds[1]), size(cost.bytes[1]), "sum"])
    title = (
        f"a build of {cost.images} files: {about(cost.tiles)} tiles, {about(cost.pairs)} "
        f"pairs, {cost.workers} workers"
    )
    terminal.table(title, ["stage", "time", "space", "rests on"], rows)
    terminal.line(f"  expected {between(cost.seconds, 'time')} and {between(cost.bytes, 'bytes')}")
    terminal.left_out(data.left_out)
    for text in [
        *data.warnings,
        *(f"{one.label}: {one.problem}" for one in data.degraders if one.problem),
    ]:
        terminal.warning(text)

"""`pairmill images check`: what curation would say, as tables and as a page."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from pairmill.flows import terminal
from pairmill.flows.cli.new import absolute, folder_of, name_from
from pairmill.flows.cli.pages import open_page
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.select_images import ImageSelection, checked_images
from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.pools.photographs import camera_groups
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.report.image_check import write_check
from pairmill.pipeline.runner.execution import (
    Executor,
    ProcessExecutor,
    SerialExecutor,
    local_profile,
    one_thread,
    run_stage,
)
from pairmill.pipeline.runner.stage import Sealed, Stage
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.curation_report import CopyView, CurationSection, HrSection
from pairmill.schemas.errors import UserError
from pairmill.schemas.groups import PhotographGroups
from pairmill.schemas.image import ImageSet
from pairmill.schemas.recipe import Recipe

SHOWN = 20


def check_images(
    source: str,
    benchmarks: list[str],
    workspace: str,
    *,
    out: str | None,
    workers: int | None,
    open_: bool,
    as_json: bool = False,
) -> CurationSection:
    """Check the images of a recipe or a folder, and say where the page is.

    Raises:
        UserError: if the source is neither, or what checking raises.
    """
    recipe, base = _recipe_of(source, benchmarks)
    one_thread()
    profile, storage = local_profile(Storage(workspace).url, workers=workers), Storage(workspace)
    with terminal.Bars(terminal.err if as_json else terminal.out) as bars:
        executor: Executor = (
            ProcessExecutor(profile.workers) if profile.workers > 1 else SerialExecutor()
        )

        def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
            return run_stage(stage, inputs, config, profile, executor, bars)

        chosen = checked_images(recipe, base, run, earlier_keys(storage, recipe, recipe.name))
        groups = camera_groups(recipe, chosen.images.manifest, run)
    target, folder = (Storage(out), ".") if out else (storage, layout.check_folder(recipe.name))
    found = write_check(target, folder, recipe.name, chosen)
    page = target.path(f"{folder}/index.html")
    if as_json:
        sys.stdout.write(f"{found.model_dump_json(indent=1)}\n")
    else:
        _say(found, chosen)
        _say_groups(groups)
        terminal.line(f"\n  page     {page}")
    if open_:
        open_page(page)
    return found


def _recipe_of(source: str, benchmarks: list[str]) -> tuple[Recipe, str]:
    """The recipe, or one for a folder; with benchmarks of the command line, which are relative to
    the current folder.
    """
    named = [absolute(text) for text in benchmarks]
    place = folder_of(source)
    if place is not None:
        images = {"real": [place]}
        value = {"name": name_from(source), "images": images, "degraders": [{"kind": "bicubic"}]}
        curation = {"benchmarks": named, "hr": {}}
        return Recipe.model_validate({**value, "curation": curation}), place
    if "://" in source or Path(source).suffix.lower() not in (".yaml", ".yml"):
        raise UserError(
            "there is no such folder or recipe",
            where=source,
            wanted="a folder with images, its URL, or a recipe (.yaml)",
        )
    recipe, base = load_recipe(source)
    curation = {"hr": {}, **(recipe.model_dump()["curation"] or {})}
    return recipe.with_(curation={**curation, **({"benchmarks": named} if named else {})}), base


def _say(found: CurationSection, chosen: ImageSelection) -> None:
    from pairmill.pipeline.report.curation import group_row, lead, small_words

    images = chosen.images.manifest
    terminal.line(
        f"\n{len(chosen.ingested)} images, {len(images.rejected)} rejected. {lead(found)}"
    )
    if small := small_words(found):
        terminal.warning(small.strip())
    if images.rejected:
        reasons = Counter(str(image.reason) for image in images.rejected).most_common()
        rows_of_files = [[reason, count, _first(images, reason)] for reason, count in reasons]
        terminal.table(
            "\nrejected; the page names each", ["reason", "files", "such as"], rows_of_files
        )
    columns = ["image", "role", "shows the same as", "role", "overlap", "correlation", "outcome"]
    if found.leaks:
        terminal.table(
            "\nleaks from benchmarks", columns, [_row(view) for view in found.leaks[:SHOWN]]
        )
    if found.copies:
        groups = [group_row(group) for group in found.alike[:SHOWN]]
        terminal.table(
            "\nnear-duplicates", ["image", "shows the same as", "shared", "outcome"], groups
        )
        terminal.more(found.alike_total, SHOWN, ", see the page")
    worst = [
        *(("blocky", view, f"{view.score:.2f}") for view in found.blocky[:3]),
        *(("blurred", view, f"{view.score:.1f} px") for view in found.blurred[:3]),
    ]
    rows = [[view.name, view.kind, most, said] for most, view, said in worst]
    terminal.table("\nworst", ["image", "role", "most", "score"], rows)
    _say_hr(found.hr)
    if found.credits:
        rows = [
            [credit.licence or "unknown", credit.author, str(credit.images)]
            for credit in found.credits[:SHOWN]
        ]
        terminal.table("\nlicences", ["licence", "author", "images"], rows)


def _say_hr(found: HrSection | None) -> None:
    """What the images are worth as HR: those with verdicts, then the most out of focus."""
    from pairmill.pipeline.report.hr_quality import COLUMNS, hr_cells, hr_lead

    if found is not None:
        rows = [hr_cells(row) for row in found.rows[:SHOWN]]
        terminal.table(f"\nas HR: {hr_lead(found)}", COLUMNS, rows)
        terminal.more(found.total, SHOWN, ", see the page")


def _say_groups(groups: PhotographGroups) -> None:
    """Which photographs a build would take for those of one camera."""
    rows = [
        [group.name, len(group.photographs), str(group.source), "; ".join(group.notes)]
        for group in groups.groups
    ]
    if groups.several:
        terminal.table("\ncameras", ["group", "photographs", "known from", "uncertain"], rows)


def _first(images: ImageSet, reason: str) -> str:
    return next(plain(file_name(image.url)) for image in images.rejected if image.reason == reason)


def _row(view: CopyView) -> list[str]:
    (first, second), (one, other) = view.names, view.kinds
    return [
        first,
        one,
        second,
        other,
        f"{view.overlap:.0%}",
        f"{view.correlation:.2f}",
        view.outcome,
    ]

"""What `pairmill evaluate` does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from pairmill.flows import terminal
from pairmill.flows.cli.options import check_number, checked_options, warn_of_slow_precision
from pairmill.flows.cli.pages import open_page
from pairmill.flows.cli.upscale import ImageBar
from pairmill.pipeline.evaluate.gaussian8_page import gaussian8_rows
from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate
from pairmill.pipeline.evaluate.tables import columns, compared, heading, lines, mean_shown, words
from pairmill.pipeline.evaluate.told import components, told_by
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import (
    EvaluationConfig,
    EvaluationReport,
    GroupView,
    InferenceConfig,
)


@dataclass(frozen=True)
class Sets:
    """What to evaluate on, as people type it."""

    hr: list[str]
    lr: list[str]
    corpus: list[str]
    split: str
    real: list[str]


def run_evaluate(
    checkpoints: list[str],
    sets: Sets,
    workspace: str,
    *,
    out: str | None,
    config: dict[str, Any],
    more: dict[str, Any],
    told: tuple[str, float] = ("", 0.0),
    pca: str = "",
    open_: bool,
) -> EvaluationReport:
    """Evaluate, print the table, and say where the page is.

    Raises:
        UserError: if an option, a checkpoint or a set is wrong.
    """
    check_number("--noise", told[1], 0, "a standard deviation, 0 to 255")
    options = config | {"inference": checked_options(InferenceConfig, config["inference"])}
    settings = EvaluationConfig.model_validate(options)
    warn_of_slow_precision(settings.inference.precision, settings.inference.device)
    request = Request(
        tuple(checkpoints),
        **_sets(sets),
        base=str(Path.cwd()),
        config=settings,
        told=told_by(*told),
        pca=components(pca),
        **more,
    )
    storage = Storage(workspace)
    target, folder = (
        (Storage(out), ".")
        if out
        else (storage, layout.evaluation_folder(name_of(checkpoints, sets)))
    )
    with ImageBar("evaluate", 0) as bar:

        def advanced(done: int, total: int, name: str) -> None:
            bar.progress.update(bar.task, total=total)
            bar.reached(done, name)

        report = evaluate(request, storage, target, folder, advanced)
    say(report)
    page = target.path(f"{folder}/index.html")
    where = page.removesuffix("index.html")
    terminal.line(
        f"\n  page     {escape(page)}\n  tables   {escape(where)}table.md, scores.csv, "
        "evaluation.json"
    )
    if open_:
        open_page(page)
    return report


def say(report: EvaluationReport) -> None:
    """The means of each set."""
    for group in report.groups:
        metrics = columns(report, [group])
        all_of = counted(group.total, "image")
        number = f"{group.pictures} of {all_of}" if group.pictures < group.total else all_of
        name = f"{group.name}, {group.about}" if group.kind == "corpus" else group.name
        title = f"{name}: {number}, x{report.scale}, border {report.border}"
        head = ["network", *(heading(metric) for metric in metrics)]
        rows = [
            [
                row.network,
                *(mean_shown(row, m, group).rjust(len(heading(m))) for m in metrics),
            ]
            for row in group.rows
        ]
        if metrics:
            terminal.table(title, head, rows)
            _say_differences(report, group)
        else:
            terminal.line(f"[bold]{escape(title)}[/]: images only")
        terminal.line("")
    if report.gaussian8 is not None:
        title, (_, *head), rows = gaussian8_rows(report.gaussian8)
        terminal.line(title)
        for one in report.gaussian8.networks:
            terminal.table(one.network, head, [row[1:] for row in rows if row[0] == one.network])
        terminal.line("")
    terminal.left_out([(one.name, one.reason) for one in report.left_out])
    if report.found:
        total = sum(len(picture.rows) for picture in report.pictures)
        terminal.line(f"  [dim]{report.found} of {total} scores are from an earlier run[/]")
    for note in report.notes:
        terminal.line(f"  [dim]{escape(note)}[/]")


def _say_differences(report: EvaluationReport, group: GroupView) -> None:
    """What the images of a set do not tell apart, in a line each; the page has all intervals."""
    metrics = compared(report)
    for line in lines(group, metrics):
        unsure = [
            f"{metric.label} {words(one, metric)}"
            for one, metric in zip(line.cells, metrics, strict=True)
            if one is not None and one.interval is not None and not one.told_apart
        ]
        if unsure:
            pair = f"{line.network} and {line.against}"
            terminal.line(f"  [dim]{escape(pair)} are not told apart: {'; '.join(unsure)}[/]")
    few = [one.sources for one in group.differences if one.interval is None]
    if few:
        terminal.line(f"  [dim]{few[0]} source images are too few for intervals of differences[/]")


def _sets(sets: Sets) -> dict[str, Any]:
    """Options as fields of a request.

    Raises:
        UserError: if there is an --lr for some --hr only.
    """
    above = sets.hr * len(sets.lr) if len(sets.hr) == 1 and sets.lr else sets.hr
    if sets.lr and len(sets.lr) != len(above):
        raise UserError(
            "--hr and --lr do not pair up",
            got=f"{len(sets.hr)} --hr and {len(sets.lr)} --lr",
            wanted="one --lr for each --hr, in the same order; one --hr for all; or no --lr",
            todo="without --lr, LR is made of HR by bicubic downscaling",
        )
    pairs = tuple(zip(above, sets.lr, strict=True)) if sets.lr else ()
    return {
        "pairs": pairs,
        "hr": () if sets.lr else tuple(sets.hr),
        "corpora": tuple((name, sets.split) for name in sets.corpus),
        "real": tuple(sets.real),
    }


def name_of(checkpoints: list[str], sets: Sets) -> str:
    """A name for the folder of the page: the networks and the sets."""
    stems = [Path(each).stem for each in checkpoints] + [
        Path(each).name for each in (*sets.hr, *sets.corpus, *sets.real)
    ]
    return (
        "-".join(re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") for stem in stems)[:100].strip(
            "-"
        )
        or "evaluation"
    )

"""What `pairmill corpus export` does."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from pairmill.flows import terminal
from pairmill.flows.cli.options import checked_options
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.export.base import Exporter
from pairmill.pipeline.export.run import Exported, export, plan
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import InterruptError
from pairmill.schemas.labels import LabelConfig


def export_corpus(
    workspace: str,
    reference: str,
    form: str,
    out: str,
    splits: list[str],
    labels: dict[str, Any] | None = None,
) -> None:
    """Export under a bar, and say what was made, where, and how to read it."""
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    config = None if labels is None else checked_options(LabelConfig, labels)
    exporter = plan(storage, manifest, form, out, tuple(splits), config)
    try:
        done = _under_a_bar(exporter)
    except KeyboardInterrupt:
        todo = "run the same command again to continue"
        raise InterruptError("interrupted; finished shards stay", todo=todo) from None
    _say(done, f"{manifest.identity.name}@{manifest.version}")


def _under_a_bar(exporter: Exporter) -> Exported:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("pairs [dim]{task.fields[rate]}[/]"),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]left[/]"),
    )
    total = sum(exporter.job.samples(split) for split in exporter.job.splits)
    with Progress(*columns, console=terminal.out, transient=True) as progress:
        bar = progress.add_task(f"export {exporter.name}", total=total, rate="")

        def advanced(count: int) -> None:
            speed = progress.tasks[0].speed
            progress.update(bar, advance=count, rate=f"{speed:.0f} pairs/s" if speed else "")

        return export(exporter, lambda count: progress.update(bar, completed=count), advanced)


def _say(done: Exported, reference: str) -> None:
    job = done.exporter.job
    splits = ", ".join(f"{job.samples(split)} {split}" for split in job.splits)
    found = (
        ""
        if done.fresh == done.pairs
        else f"  [dim]{done.pairs - done.fresh} found, {done.fresh} written now[/]"
    )
    terminal.line(
        f"[bold]{reference}[/] as {done.exporter.name}: {done.pairs} pairs ({splits}){found}"
    )
    terminal.line(f"  folder   {escape(str(job.out))}")
    terminal.line(f"  read     {escape(done.exporter.how())}")

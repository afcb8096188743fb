"""Everything that is printed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from pairmill.pipeline.html.markup import agreed, counted
from pairmill.pipeline.html.text import plain
from pairmill.pipeline.runner.stage import ProgressListener, Sealed, Stage
from pairmill.schemas.corpus import CorpusManifest, VerifyReport
from pairmill.schemas.errors import PairmillError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def error(problem: PairmillError) -> None:
    """Print what, where, got, wanted, fix."""
    err.print(f"[bold red]error:[/] {escape(harmless(problem.what))}")
    for label, text in problem.rows():
        lines = harmless(text).replace("\n       ", "\n          ")  # below the first word
        err.print(f"  [bold]{label:>6}[/]  {escape(lines)}")


def harmless(text: str) -> str:
    """Text without the control codes that a file's name may hold, which a terminal would obey."""
    return "\n".join(map(plain, text.split("\n")))


def line(text: str) -> None:
    """Print one line."""
    out.print(text)


def warning(text: str) -> None:
    """Print one line that deserves a second look."""
    out.print(f"[yellow]![/] {escape(harmless(text))}")


def more(total: int, shown: int, rest: str = "") -> None:
    """Say how many of something were not shown, and what has them all; nothing if all were."""
    if total > shown:
        out.print(f"  and {total - shown:,} more{rest}")


NAMED = 10
"""Most files that are named one by one."""
REASONS = 5
"""Most reasons that are counted for the others."""


def left_out(files: Sequence[tuple[str, str]]) -> None:
    """Name the files that took no part, each with its reason; of many the first ones, and count the
    reasons of the others.
    """
    for name, why in files[:NAMED]:
        warning(f"left out: {name}: {why}")
    more(len(files), NAMED, "; the page names each")
    reasons = Counter(why for _, why in files[NAMED:]).most_common()
    for why, count in reasons[:REASONS]:
        out.print(f"  {count:>6,}  {escape(harmless(why))}")
    rest = reasons[REASONS:]
    if rest:
        out.print(
            f"  {sum(count for _, count in rest):>6,}  for {counted(len(rest), 'other reason')}"
        )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; numbers are set to the right."""
    listed = [list(row) for row in rows]
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for place, name in enumerate(columns):
        number = bool(listed) and all(isinstance(row[place], int | float) for row in listed)
        made.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in listed:
        made.add_row(*(escape(harmless(str(cell))) for cell in row))
    out.print(made)


BAR = 76
"""Columns that a bar and all about it take."""


class Bars(ProgressListener):
    """A bar with rate, time left and losses for every stage that has something to do; in a log, a
    line with them now and then.
    """

    EVERY, SECONDS = 0.1, 300.0
    """A line with losses comes in a log after so much more of a stage, or after so many seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[noun]} [dim]{task.fields[rate]}[/]"),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]left[/]"),
            TextColumn("{task.fields[note]}", markup=False, style="dim"),
            console=console or out,
            transient=True,
        )
        self.task: Any = None
        self.done = 0.0
        self.reported = (0.0, 0.0)

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def started(self, stage: Stage[Any, Any, Any, Any, Any], units: int, todo: int) -> None:
        """See `ProgressListener.started`."""
        self.drop()  # a bar that a failed attempt may have left
        self.done = float(units - todo)
        self.reported = (self.done, time.monotonic())
        self.task = self.progress.add_task(
            stage.title,
            total=units,
            completed=units - todo,
            noun=agreed(units, stage.noun),
            rate="",
            note="",
        )

    def advanced(self, stage: Stage[Any, Any, Any, Any, Any], units: float, note: str = "") -> None:
        """See `ProgressListener.advanced`."""
        if self.task is None:
            return
        self.done += units
        task = self.progress.tasks[self.progress.task_ids.index(self.task)]
        self.progress.update(
            self.task,
            completed=round(self.done, 3),
            rate=_rate(task.speed, stage.noun),
            note=_cut(note, out.width - BAR) or task.fields["note"],
        )
        if note and not out.is_terminal:
            self._log(stage, note, (task.total or 1.0))

    def _log(self, stage: Stage[Any, Any, Any, Any, Any], note: str, total: float) -> None:
        done, when = self.reported
        now = time.monotonic()
        if self.done - done >= self.EVERY * total - 1e-6 or now - when >= self.SECONDS:
            self.reported = (self.done, now)
            self.progress.print(
                f"  {stage.title:<16} {self.done / total:6.0%}  [dim]{escape(note)}[/]"
            )

    def sealed(
        self, stage: Stage[Any, Any, Any, Any, Any], result: Sealed[Any], seconds: float
    ) -> None:
        """See `ProgressListener.sealed`."""
        self.drop()
        found = result.units - result.computed
        parts = [f"{result.computed} made"] if result.computed else []
        parts += [f"{found} found"] if found else []
        rate = (
            _rate(result.computed / seconds, stage.noun) if result.computed > 1 and seconds else ""
        )
        said = f"{seconds:7.1f} s  {', '.join(parts)}  {rate}"
        noun = agreed(result.units, stage.noun)
        self.progress.print(
            f"[green]✓[/] {stage.title:<16} {result.units:>6} {noun:<7} [dim]{said}[/]"
        )

    def doing(self, what: str, note: str = "") -> None:
        """See `ProgressListener.doing`: a bar without a length; in a log a line."""
        if not out.is_terminal:
            if note:
                self.progress.print(f"  {what:<16} [dim]{escape(note)}[/]")
            return
        if self.task is None:
            self.task = self.progress.add_task(what, total=None, noun="", rate="", note="")
        self.progress.update(self.task, note=_cut(note, out.width - BAR))

    def did(self, what: str, seconds: float) -> None:
        """See `ProgressListener.did`."""
        self.drop()
        self.progress.print(f"[green]✓[/] {what:<16} {'':>14} [dim]{seconds:7.1f} s[/]")

    def drop(self) -> None:
        """Take the present bar away."""
        if self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None


def _cut(note: str, room: int) -> str:
    """As many of the words between commas as there is room for."""
    words = note.split(", ")
    while words and len(", ".join(words)) > room:
        words.pop()
    return ", ".join(words)


def _rate(per_second: float | None, noun: str) -> str:
    if not per_second:
        return ""
    return (
        f"{per_second:.1f} {noun}/s"
        if per_second >= 0.5
        else f"{1 / per_second:.0f} s/{agreed(1, noun)}"
    )


def built(manifest: CorpusManifest, folder: str, workspace: str, *, fresh: bool) -> None:
    """The last lines of a build: what was made, where, and the next command."""
    identity = manifest.identity
    splits = ", ".join(f"{count} {split}" for split, count in identity.samples.items())
    reference = f"{identity.name}@{manifest.version}"
    option = "" if workspace == "data" else f" --workspace {workspace}"
    out.print(
        f"\n[bold]{reference}[/]  {counted(sum(identity.samples.values()), 'pair')} ({splits}), "
        f"x{identity.recipe['scale']}" + ("" if fresh else "  [dim]nothing new to do[/]")
    )
    out.print(f"  shards   {escape(folder)}/shards")
    out.print(f"  report   {escape(folder)}/report/index.html")
    if lost := manifest.counts.get("images_rejected"):
        out.print(
            f"  left out {lost} of {lost + manifest.counts.get('images', 0)} files; the report "
            "names each with its reason"
        )
    from pairmill.pipeline.pools.thin import thin  # with all pools, which other commands do without

    for text in thin(manifest.counts):
        warning(text)
    if groups := manifest.counts.get("groups"):
        out.print(f"  cameras  {_groups(groups, manifest)}")
    out.print(f"  next     pairmill corpus verify {reference}{option}")


def _groups(count: int, manifest: CorpusManifest) -> str:
    said = [f"{counted(count, 'group')} of photographs, a sample takes all from one"]
    if borrowing := manifest.counts.get("groups_borrowing"):
        said.append(f"{borrowing} without kernels or noise of their own")
    if unused := manifest.counts.get("groups_unused"):
        said.append(f"{unused} gave nothing")
    return "; ".join(said)


def how_to_repair(report: VerifyReport, reference: str, folder: str, workspace: str) -> None:
    """What repairs a damaged version."""
    from pairmill.pipeline.build.repair import BY_HAND, repairable

    option = "" if workspace == "data" else f" --workspace {workspace}"
    command = f"pairmill corpus repair {reference}{option}"
    said = (
        f"`{command}` rebuilds the damaged files, byte for byte"
        if repairable(report)
        else f"{BY_HAND}: {folder}"
    )
    err.print(f"  [bold]repair[/]  {escape(said)}")


def verified(report: VerifyReport, reference: str) -> None:
    """What `verify` found."""
    if report.ok:
        found = f"{counted(report.shards, 'shard')}, {counted(report.samples, 'sample')}"
        out.print(f"[green]✓[/] {reference}: {found}, all checksums match")
        return
    err.print(f"[bold red]✗[/] {reference}: {len(report.findings)} findings")
    for finding in report.findings[:50]:
        err.print(f"  [bold]{finding.fault}[/]  {escape(finding.where)}  {escape(finding.detail)}")
    if len(report.findings) > 50:
        err.print(f"  and {len(report.findings) - 50} more")

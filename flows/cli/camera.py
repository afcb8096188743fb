"""What `pairmill camera` does: look at photographs, and say what their camera does."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pairmill.flows import terminal
from pairmill.flows.cli.pages import open_page
from pairmill.models.functional.kernels import SIZES
from pairmill.pipeline.camera_report import words
from pairmill.pipeline.camera_report.examine import By, Examined, examine
from pairmill.pipeline.camera_report.read import Advanced, files_of, read_files
from pairmill.pipeline.camera_report.write import PAGE, REPORT, target, to_json, write
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.html.text import file_name
from pairmill.pipeline.runner.execution import default_workers, one_thread
from pairmill.schemas.camera_report import CameraReport, GroupFound, PhotographFound
from pairmill.schemas.errors import InterruptError, UserError

SHOWN = 40
"""Photographs of a group that the terminal lists."""


def show_camera(
    photographs: Sequence[str],
    *,
    scale: int,
    clean: Sequence[str],
    group_by: str,
    out: str | None,
    as_json: bool,
    open_: bool,
) -> CameraReport:
    """Look at photographs, say what was found, and write it where it is wanted.

    Raises:
        UserError: if an option is wrong, or no file is a photograph.
        InterruptError: after Ctrl-C.
    """
    by = _checked(scale, group_by, out, open_=open_)
    place = target(out) if out else None
    one_thread()
    base = str(Path.cwd())
    found = files_of(photographs, base, "FOLDER")
    sharp = files_of(clean, base, "--clean") if clean else []
    with _bar(as_json=as_json) as (reading, estimating):
        files = read_files(found, sharp, scale, default_workers(), reading)
        examined = examine(files, scale, by, estimating)
    if place is not None:
        write(place, examined)
    if as_json:
        sys.stdout.write(to_json(examined.report))
    else:
        _say(examined, place)
    if open_ and place is not None:
        open_page(str(place / PAGE))
    return examined.report


def _checked(scale: int, group_by: str, out: str | None, *, open_: bool) -> By:
    if scale not in SIZES:
        raise UserError(
            "there are no kernels for this scale",
            where="--scale",
            got=str(scale),
            wanted=", ".join(map(str, SIZES)),
        )
    if open_ and not out:
        raise UserError(
            "there is no page to open",
            where="--open",
            todo="add --out FOLDER, which writes the page",
        )
    for by in get_args(By):
        if by == group_by:
            known: By = by
            return known
    raise UserError(
        "there is no such way to group photographs",
        where="--group-by",
        got=group_by,
        wanted=", ".join(get_args(By)),
    )


@contextmanager
def _bar(*, as_json: bool) -> Iterator[tuple[Advanced, Advanced]]:
    """A bar while files are read, then one while groups are estimated; both beside the JSON."""
    console = terminal.err if as_json else terminal.out
    progress = Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[name]}[/]"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    tasks = [progress.add_task(title, total=1, name="") for title in ("read", "estimate")]

    def heard(number: int) -> Advanced:
        def advanced(done: int, total: int, name: str) -> None:
            shown = escape(terminal.harmless(file_name(name))[-40:])
            progress.update(tasks[number], completed=done, total=total, name=shown)

        return advanced

    try:
        with progress:
            yield heard(0), heard(1)
    except KeyboardInterrupt:
        raise InterruptError("interrupted; nothing was written") from None


def _say(examined: Examined, place: Path | None) -> None:
    report = examined.report
    terminal.left_out([(file_name(one.file), one.words) for one in report.left_out])
    for group in report.groups:
        _say_group(group, report)
    if place is None:
        terminal.line("  page     add --out FOLDER: a page, the kernels and all numbers")
        return
    terminal.line(f"  page     {escape(str(place / PAGE))}")
    terminal.line(f"  kernels  {escape(str(place))}/kernels, groups; numbers: {REPORT}")


def _say_group(group: GroupFound, report: CameraReport) -> None:
    count, blur = len(group.photographs), group.blur
    known = words.SOURCES[group.source]
    terminal.line(f"\n[bold]{escape(group.name)}[/]  {counted(count, 'photograph')}, {known}")
    rows = list[tuple[str, str]]()
    if blur is not None:
        rows += [
            ("blur", words.shape(blur)),
            ("width", f"{words.width(blur.width, 'px')} of the photograph"),
            (f"at x{report.scale}", f"{words.width(blur.width_hr, 'px')} of HR"),
            ("contrast", words.contrast(blur)),
            ("sharpens", words.sharpening(blur)),
            ("differs", words.difference(blur)),
        ]
        rows += words.within(blur)
    rows += [
        ("noise", words.noise(group.noise)),
        ("files", words.compression(group.compression, count)),
    ]
    for label, text in rows:
        terminal.line(f"  {label:<9}{escape(text)}")
    for text in group.uncertain:
        terminal.warning(text)
    _say_tables(group)


def _say_tables(group: GroupFound) -> None:
    if group.blur is not None and group.blur.field is not None:
        cells = words.parts(group.blur.field)
        rows = [[f"  {cells[row]}", *cells[row + 1 : row + 3]] for row in (0, 3, 6)]
        terminal.table("\n  width over the field, px", ["  left", "middle", "right"], rows)
    columns, rows = words.noise_rows(group.noise)
    if len(columns) > 1:
        title = "\n  noise by level, standard deviation"
        terminal.table(
            title, [f"  {columns[0]}", *columns[1:]], [[f"  {r[0]}", *r[1:]] for r in rows]
        )
    ordered = sorted(group.photographs, key=lambda one: one.accepted)
    shown = [[f"  {one.name}", *_row(one)] for one in ordered[:SHOWN]]
    terminal.table("\n  photographs", ["  name", "verdict", "width px", ""], shown)
    terminal.more(len(ordered), SHOWN, "; --out has all")
    terminal.line("")


def _row(photograph: PhotographFound) -> list[str]:
    width = photograph.blur_width
    said = "" if photograph.accepted else photograph.words
    return [words.verdict(photograph), f"{width.value:.2f}" if width else "", said]

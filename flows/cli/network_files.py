"""What `pairmill networks` does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from rich.markup import escape
from rich.table import Table

from pairmill.flows import terminal
from pairmill.pipeline.evaluate.files import name_of
from pairmill.pipeline.evaluate.known import FORMS, all_known, files_named, look, write_as
from pairmill.pipeline.evaluate.told import components
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.network_file import NetworkFile


def run_networks(
    places: list[str],
    to: str,
    out: str,
    *,
    scale: int | None = None,
    pca: str = "",
    as_json: bool = False,
) -> None:
    """List networks, or say what files are; write them in another form.

    Raises:
        UserError: if a file is not there or the form is unknown.
        SystemExit: with code 1 if a file is no network of ours, or could not be written.
    """
    if to and to not in FORMS:
        raise UserError("unknown form of networks", where="--to", got=to, wanted=", ".join(FORMS))
    if not places:
        _list_known(as_json=as_json)
        return
    found = [look(file) for file in files_named(places)]
    if as_json:
        sys.stdout.writelines(one.model_dump_json() + "\n" for one in found)
    else:
        _list_files(found)
    failed = any(one.reason for one in found)
    for form in FORMS:
        if to == form:
            components_of = components(pca)
            write = partial(write_as, form=form, out=Storage(out), scale=scale, pca=components_of)
            failed |= not _write([one for one in found if not one.reason], write, quiet=as_json)
    if failed:
        raise SystemExit(1)


def _list_known(*, as_json: bool) -> None:
    known = all_known()
    if as_json:
        sys.stdout.writelines(one.model_dump_json() + "\n" for one in known)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("network", "parameters", "scales", ""):
        table.add_column(column, justify="right" if column == "parameters" else "left")
    for one in known:
        table.add_row(
            one.arch, f"{one.parameters:,}", ", ".join(map(str, one.scales)), escape(one.about)
        )
    terminal.out.print(table)
    terminal.line(
        "[dim]parameters at scale 4, or the largest, with the published settings; "
        "`pairmill networks FILE` says what a file is[/]"
    )


def _list_files(found: list[NetworkFile]) -> None:
    for one in found:
        if one.reason:
            terminal.line(f"[red]✗[/] [bold]{escape(one.file)}[/]\n  {escape(one.reason)}")
            continue
        scale = f"x{one.scale}" if one.scale else "any scale"
        terminal.line(
            f"[green]✓[/] [bold]{escape(one.file)}[/]\n"
            f"  {escape(one.network)}, {scale}, {one.parameters:,} parameters"
        )
        facts = [f"{one.form}, names: {one.names}"]
        if not one.told:
            facts.append("settings from names and shapes")
        if one.note:
            facts.append(one.note)
        if one.training:
            facts.append(one.training)
        facts.append(
            f"spandrel does not read it: {one.others}" if one.others else "spandrel reads it"
        )
        terminal.line(f"  [dim]{escape('; '.join(facts))}[/]")


def _write(
    found: list[NetworkFile], write: Callable[[str], tuple[str, float]], *, quiet: bool
) -> bool:
    """Write each; a file that cannot be written is named, and the others go ahead."""
    made, failed = dict[str, str](), False
    for one in found:
        try:
            place, far = _once(one.file, write, made)
        except UserError as error:
            terminal.error(error)
            failed = True
            continue
        if quiet:
            continue
        compared = f"  [dim]onnxruntime differs by {far:.1g} at most[/]" if far else ""
        terminal.line(f"  [green]→[/] {escape(place)}{compared}")
    return not failed


def _once(
    file: str, write: Callable[[str], tuple[str, float]], made: dict[str, str]
) -> tuple[str, float]:
    """Write a file, unless one before it has its name."""
    name = name_of(file)
    if name in made:
        raise UserError(
            "two files have one name, and the second is not written",
            where=file,
            got=f"the name of {made[name]}",
            todo="write it with another --out",
        )
    made[name] = file
    return write(file)

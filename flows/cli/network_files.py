"""What `pairmill networks` does."""

from __future__ import annotations

import sys

from rich.markup import escape
from rich.table import Table

from pairmill.flows import terminal
from pairmill.pipeline.evaluate.known import FORMS, Form, all_known, files_named, look, write_as
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.network_file import NetworkFile


def run_networks(places: list[str], to: str, out: str, *, as_json: bool) -> None:
    """List networks, or say what files are; write them in another form.

    Raises:
        UserError: if a file is not there or the form is unknown.
        SystemExit: with code 1 if a file is no network of ours.
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
    for form in FORMS:
        if to == form:
            _write([one for one in found if not one.reason], form, out, quiet=as_json)
    if any(one.reason for one in found):
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
        terminal.line(
            f"[green]✓[/] [bold]{escape(one.file)}[/]\n"
            f"  {escape(one.network)}, x{one.scale}, {one.parameters:,} parameters"
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


def _write(found: list[NetworkFile], form: Form, out: str, *, quiet: bool) -> None:
    target = Storage(out)
    for one in found:
        place, far = write_as(one.file, form, target)
        if quiet:
            continue
        compared = f"  [dim]onnxruntime differs by {far:.1g} at most[/]" if form == "onnx" else ""
        terminal.line(f"  [green]→[/] {escape(place)}{compared}")

"""Write docs/reference/cli.md: every command, from the tree that the command line is parsed by.

`make docs` runs it; alone it is `python -m docs.generate.cli`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer

from docs.generate.anchors import anchor
from docs.generate.sections import NOTES, REFERENCE
from docs.generate.sentences import laid_out
from docs.generate.tables import REQUIRED, one_line
from pairmill.flows.cli.main import app
from pairmill.schemas import errors

NOTE = NOTES / "cli.md"
KINDS = {bool: "flag", int: "integer", float: "number", str: "text"}


def page() -> str:
    """The page."""
    root = typer.main.get_command(app)
    commands = list(_commands(root, "pairmill"))
    rows = [
        f"| [`{path.partition(' ')[2]}`](#{anchor(path)}) | {one_line(one.help or '')} |"
        for path, one in commands[1:]
    ]
    parts = [
        NOTE.read_text("utf-8").strip(),
        "## Commands",
        "\n".join(["| command | what it does |", "|---|---|", *rows]),
        *(_section(path, one) for path, one in commands[1:]),
        "## Exit codes",
        _exit_codes(),
    ]
    return laid_out("\n\n".join(parts) + "\n")


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All commands below one, in the order of help."""
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "commands") else ():
        yield from _commands(command.commands[name], f"{path} {name}")


def _section(path: str, command: Any) -> str:
    parts = [f"{'#' * (path.count(' ') + 1)} {path}", command.help or ""]
    if not hasattr(command, "commands"):
        parts.append(f"```sh\n{' '.join(filter(None, [path, *map(_usage, command.params)]))}\n```")
    hints = get_type_hints(command.callback) if command.callback else {}
    if rows := [_row(parameter, hints[parameter.name]) for parameter in command.params]:
        head = ["| argument or option | values | default | meaning |", "|---|---|---|---|"]
        parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts)


def _usage(parameter: Any) -> str:
    """How an argument or a required option stands in a command line; other options do not."""
    name = parameter.name.upper()
    if parameter.param_type_name == "option":
        return f"{parameter.opts[0]} {name}" if parameter.required else ""
    name += "..." * (parameter.nargs < 0)
    return name if parameter.required else f"[{name}]"


def _row(parameter: Any, kind: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [parameter.name.upper()]
    shown = ", ".join(f"`{name}`" for name in names)
    meaning = one_line(parameter.help or "")
    return f"| {shown} | {_values(parameter, kind)} | {_default(parameter)} | {meaning} |"


def _values(parameter: Any, kind: Any) -> str:
    """Type and range of a value; an option or argument that may be repeated says so."""
    if NoneType in get_args(kind):
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    if get_origin(kind) is list:
        return f"{_values(parameter, get_args(kind)[0])}; any number"
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    ends = ((">=", getattr(parameter, "min", None)), ("<=", getattr(parameter, "max", None)))
    return ", ".join([KINDS[kind], *(f"{sign} {end:g}" for sign, end in ends if end is not None)])


def _default(parameter: Any) -> str:
    if parameter.required:
        return REQUIRED
    value = parameter.default
    if value is None or value == "" or value is False:
        return ""
    if value is True and parameter.secondary_opts:
        return f"`{parameter.opts[0]}`"
    return f"`{value}`"


def _exit_codes() -> str:
    """What a script may tell by the code that a command ends with."""
    found = [
        error
        for _, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.PairmillError) and error is not errors.PairmillError
    ]
    rows = ["| code | when |", "|--:|---|", "| 0 | All went well. |"]
    for code in sorted({error.exit_code for error in found}):
        said = [one_line(error.__doc__ or "") for error in found if error.exit_code == code]
        rows.append(f"| {code} | {' '.join(_FURTHER.get(code, []) + said)} |")
    return "\n".join(rows)


_FURTHER = {1: ["A check found something: the command's own section says what."]}
"""What a code means besides the errors that end with it."""


def main() -> None:
    """Write the page."""
    (REFERENCE / "cli.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main()

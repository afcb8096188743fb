"""Write docs/reference/api.md: the public names of pairmill, from their docstrings.

`make docs` runs it; alone it is `python -m docs.generate.api`. The source is read, not run.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

from docs.generate.anchors import anchor
from docs.generate.sections import NOTES, REFERENCE
from docs.generate.sentences import laid_out
from docs.generate.tables import one_line

ROOT = Path(__file__).parents[2]
GROUPS = {
    "Build": ("build", "preview", "Preview", "fit_chain", "Recipe"),
    "Open and read": ("open", "Corpus", "Pair", "SampleRow", "Replayed"),
    "Apply programs": ("apply", "Program"),
    "Train": ("Loader", "Pairs", "LabelConfig", "Labels"),
    "Errors": (
        "PairmillError",
        "UserError",
        "MissingLibraryError",
        "BusyError",
        "StoreError",
        "IntegrityError",
    ),
}
"""All public names; a new one fails the build of this page until it has its place here."""
SHOWN_ELSEWHERE = {"Recipe": "Its keys are those of a [recipe](recipe.md)."}
TYPES = (
    "building.AnyRecipe",
    "building.Progress",
    "corpus.Place",
    "corpus.Image",
)
"""Names in signatures that stand for something."""
FROZEN = "pairmill.schemas.base.Frozen"
OWN = re.compile(r"`(?:pairmill\.)?(\w+)`")
"""A public name in a text, which becomes a link."""
WIDE = 88
"""Longest signature on one line."""


def page() -> str:
    """The page.

    Raises:
        ValueError: if a public name has no place in `GROUPS`, or a docstring cannot be read.
    """
    warned = list[str]()
    watch = logging.Handler(logging.WARNING)
    watch.emit = lambda record: warned.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("griffe")
    logger.addHandler(watch)
    logger.propagate = False
    package = griffe.load(
        "pairmill", search_paths=[str(ROOT)], docstring_parser="google", resolve_aliases=True
    )
    listed = {name for names in GROUPS.values() for name in names} | {"__version__"}
    if listed != (public := {str(name) for name in package.exports or ()}):
        raise ValueError(f"give these a place in docs/generate/api.py: {sorted(listed ^ public)}")
    parts = [(NOTES / "api.md").read_text("utf-8").strip(), _overview(package)]
    for group, names in GROUPS.items():
        parts.append(f"## {group}")
        for name in names:
            parts += _documented(name, package[name].final_target)
    parts += ["## Types in signatures", _types(package)]
    if warned:
        raise ValueError("docstrings cannot be read:\n" + "\n".join(warned))
    return laid_out("\n\n".join(parts) + "\n")


def _types(package: Any) -> str:
    rows = ["| type | what it is |", "|---|---|"]
    rows += [f"| `{path.partition('.')[2]}` | {_first(package[path])} |" for path in TYPES]
    return "\n".join(rows)


def _overview(package: Any) -> str:
    rows = ["| name | what it is |", "|---|---|"]
    for names in GROUPS.values():
        for name in names:
            target = package[name].final_target
            link = f"[`{name}`](#{anchor(_heading(name, target))})"
            rows.append(f"| {link} | {_first(target)} |")
    return "\n".join([*rows, "| `__version__` | The version of pairmill, such as `0.2.0`. |"])


def _documented(name: str, target: Any) -> Iterator[str]:
    yield f"### {_heading(name, target)}"
    if target.is_class:
        yield from _class(name, target)
    else:
        yield from _function(f"pairmill.{name}", target)


def _heading(name: str, target: Any) -> str:
    """`preview` and `Preview` are two, and must not have one anchor."""
    return f"class {name}" if target.is_class else f"{name}()"


def _class(name: str, target: Any) -> Iterator[str]:
    init = target.members.get("__init__")
    if init is not None and "dataclass" not in target.labels and len(init.parameters) > 1:
        yield _signature(f"pairmill.{name}", init)
    yield from _text(target)
    yield from _sections(target)
    if name in SHOWN_ELSEWHERE:
        yield SHOWN_ELSEWHERE[name]
        return
    if attributes := list(_attributes_of(target)):
        yield _attributes(attributes)
    for key, one in target.members.items():
        if one.is_function and not key.startswith("_") and _says(one):
            yield f"#### {name}.{one.name}()"
            yield from _function(one.name, one)


def _attributes_of(target: Any) -> Iterator[Any]:
    """Attributes with a docstring, those of the classes that it inherits from first."""
    for one in [*reversed(target.mro()), target]:
        if one.path.startswith("pairmill.") and one.path != FROZEN:
            for key, member in one.members.items():
                if member.is_attribute and not key.startswith("_") and _says(member):
                    yield member


def _says(one: Any) -> bool:
    """Whether it has a docstring of its own."""
    return one.docstring is not None and not one.docstring.value.startswith("See `")


def _function(shown: str, target: Any) -> Iterator[str]:
    yield _signature(shown, target)
    yield from _text(target)
    yield from _sections(target)


def _signature(shown: str, target: Any) -> str:
    """The call as Python's source has it, on one line or with a line for each parameter."""
    parts, mark = list[str](), False
    for one in target.parameters:
        if one.name == "self":
            continue
        if one.kind is griffe.ParameterKind.keyword_only and not mark:
            parts.append("*")
            mark = True
        stars = {"var_positional": "*", "var_keyword": "**"}.get(one.kind.name, "")
        mark = mark or bool(stars)
        default = f" = {one.default}" if one.default is not None and not stars else ""
        parts.append(f"{stars}{one.name}: {one.annotation}{default}")
    returns = f" -> {target.returns}" if target.returns and target.name != "__init__" else ""
    line = f"{shown}({', '.join(parts)}){returns}"
    if len(line) > WIDE:
        line = "\n".join([f"{shown}(", *(f"    {part}," for part in parts), f"){returns}"])
    return f"```python\n{line}\n```"


def _text(target: Any) -> Iterator[str]:
    for section in target.docstring.parsed if _says(target) else ():
        if section.kind is griffe.DocstringSectionKind.text:
            yield from (_linked(part, target.name) for part in str(section.value).split("\n\n"))


def _linked(text: str, itself: str = "") -> str:
    """A paragraph whose public names lead to their place on the page."""
    names = {name for group in GROUPS.values() for name in group} - {itself}

    def link(found: re.Match[str]) -> str:
        name = found.group(1)
        known = name in names and (name[0].isupper() or "." in found.group())
        heading = f"class {name}" if name[0].isupper() else name
        return f"[{found.group()}](#{anchor(heading)})" if known else found.group()

    return OWN.sub(link, text)


def _sections(target: Any) -> Iterator[str]:
    """Arguments, result and errors of a function."""
    kinds = griffe.DocstringSectionKind
    for section in target.docstring.parsed if _says(target) else ():
        if section.kind is kinds.parameters:
            rows = [f"| `{one.name}` | {_cell(one.description)} |" for one in section.value]
            yield "\n".join(["| argument | meaning |", "|---|---|", *rows])
        elif section.kind is kinds.returns:
            yield "**Returns** " + " ".join(_cell(one.description) for one in section.value)
        elif section.kind is kinds.yields:
            yield "**Yields** " + " ".join(_cell(one.description) for one in section.value)
        elif section.kind is kinds.raises:
            rows = [
                f"- {_linked(f'`{one.annotation}`')}: {_cell(one.description)}"
                for one in section.value
            ]
            yield "\n".join(["**Raises**", "", *rows])
        elif section.kind is not kinds.text:
            raise ValueError(f"{target.path}: a docstring has a section {section.kind.value}")


def _first(target: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    return one_line(str(target.docstring.parsed[0].value).split("\n\n")[0])


def _cell(text: str) -> str:
    return _linked(one_line(text))


def _attributes(members: list[Any]) -> str:
    rows = [
        f"| `{one.name}` | `{one_line(str(one.annotation))}` | {_linked(_first(one))} |"
        for one in members
    ]
    return "\n".join(["| attribute | type | meaning |", "|---|---|---|", *rows])


def main() -> None:
    """Write the page."""
    (REFERENCE / "api.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main()

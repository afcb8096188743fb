"""Changing a recipe that somebody has written: what does not change keeps its place, its form and
its comments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from pairmill.pipeline.recipe.load import TAGS
from pairmill.pipeline.recipe.yaml_text import load_yaml
from pairmill.schemas.errors import UserError

Edit = tuple[int, int, str]
"""First place and end of what is replaced in a text, and by what."""


def without_defaults(value: Any) -> Any:
    """Settings that are not defaults, and what says which degrader, op or shape it is."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        found = {name: (getattr(value, name), field.get_default()) for name, field in fields}
        return {
            name: without_defaults(one)
            for name, (one, usual) in found.items()
            if name in TAGS or one != usual
        }
    if isinstance(value, Mapping):
        return {key: without_defaults(one) for key, one in value.items()}
    return [without_defaults(one) for one in value] if isinstance(value, tuple) else value


def merged(said: Any, before: BaseModel, after: BaseModel) -> dict[str, Any]:
    """What a recipe says after a change: as before, and what differs.

    Args:
        said: What it says of `before`.
        before: Its settings, with defaults.
        after: The settings that it is to have.
    """
    values = dict(said) if isinstance(said, dict) else {}
    for name in type(after).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if isinstance(new, BaseModel) and type(new) is type(old):
            values[name] = merged(values.get(name), old, new)
        elif _alike(values.get(name), old, new):
            lines = zip(values[name], old, new, strict=True)
            values[name] = [merged(*line) for line in lines]
        else:
            values[name] = without_defaults(new)
    return values


def _alike(said: Any, old: Any, new: Any) -> bool:
    """Whether a list of tables has as many entries of the same kinds as before."""
    return (
        isinstance(said, list)
        and isinstance(old, tuple)
        and isinstance(new, tuple)
        and len(said) == len(old) == len(new)
        and all(
            isinstance(b, BaseModel) and type(a) is type(b) for a, b in zip(old, new, strict=True)
        )
    )


def with_entry(text: str, key: str, place: int, wanted: dict[str, Any]) -> tuple[str, bool]:
    """A recipe in which one entry of a list says something else.

    Args:
        text: YAML of the recipe.
        key: Name of the list, at the top.
        place: Which entry; the list may be missing, if the recipe goes without.
        wanted: What the entry is to say.

    Returns:
        YAML that says so, and whether all but the changed values is as it was written. It is not
        where the file uses anchors, braces around it all and the like: then it is written anew,
        without its comments.
    """
    values = load_yaml(text, "")
    entries = list(values.get(key) or [{}])
    after = {**values, key: [*entries[:place], wanted, *entries[place + 1 :]]}
    try:
        changed = (
            _edited(text, key, place, wanted) if key in values else _appended(text, after, key)
        )
        if load_yaml(changed, "") == after:
            return changed, True
    except (_HardError, UserError):  # or the edit made it no YAML at all
        pass
    return yaml.safe_dump(after, sort_keys=False, default_flow_style=None, width=100), False


class _HardError(Exception):
    """The text has a form that is not edited in place."""


def _appended(text: str, after: dict[str, Any], key: str) -> str:
    body = yaml.safe_dump({key: after[key]}, sort_keys=False, default_flow_style=None, width=100)
    return text + ("" if text.endswith("\n") else "\n") + body


def _edited(text: str, key: str, place: int, wanted: dict[str, Any]) -> str:
    root = yaml.compose(text, yaml.SafeLoader)
    assert root is not None
    entries = next(value for name, value in root.value if name.value == key)
    if not isinstance(entries, yaml.SequenceNode) or place >= len(entries.value):
        raise _HardError
    node = entries.value[place]
    edits = list[Edit]()
    _compare(text, node, _said(text, key)[place], wanted, edits)
    parts, done = list[str](), 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):  # of one place, as found
        parts += (text[done:start], new)
        done = end
    return "".join(parts) + text[done:]


def _said(text: str, key: str) -> list[Any]:
    said: list[Any] = load_yaml(text, "")[key]
    return said


def _compare(text: str, node: Any, old: Any, new: Any, edits: list[Edit]) -> None:
    """Collect the edits that make a node say `new` instead of `old`."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and isinstance(node, yaml.MappingNode):
        _compare_tables(text, node, old, new, edits)
    elif _same_length(node, old, new):
        for inner, before, after in zip(node.value, old, new, strict=True):
            _compare(text, inner, before, after, edits)
    elif _exact(node):
        start, end = node.start_mark.index, node.end_mark.index
        gap = " " if start == end else ""  # a key without a value
        edits.append((start, end, gap + flow(new)))
    else:
        raise _HardError


def _same_length(node: Any, old: Any, new: Any) -> bool:
    lists = isinstance(old, list) and isinstance(new, list)
    return lists and isinstance(node, yaml.SequenceNode) and len(old) == len(new)


def _compare_tables(
    text: str, node: yaml.MappingNode, old: dict[str, Any], new: dict[str, Any], edits: list[Edit]
) -> None:
    nodes = {key.value: value for key, value in node.value}
    for key in old:
        if key not in new or key not in nodes:
            raise _HardError
        _compare(text, nodes[key], old[key], new[key], edits)
    lines = [f"{key}: {flow(value)}" for key, value in new.items() if key not in old]
    if not lines:
        return
    if not node.value:
        edits.append((node.start_mark.index, node.end_mark.index, "{" + ", ".join(lines) + "}"))
    elif node.flow_style:
        end = node.value[-1][1].end_mark.index
        edits.append((end, end, "".join(f", {line}" for line in lines)))
    else:
        edits.append(_below(text, node, lines))


def _below(text: str, node: yaml.MappingNode, lines: list[str]) -> Edit:
    """Lines below the last line of a table whose end is known for sure."""
    ends = [value.end_mark.index for _, value in node.value if _exact(value)]
    if not ends:
        raise _HardError
    end = text.find("\n", ends[-1])
    end = len(text) if end < 0 else end
    indent = " " * node.value[0][0].start_mark.column
    return end, end, "".join(f"\n{indent}{line}" for line in lines)


def _exact(node: Any) -> bool:
    """Whether a node ends where it says: tables and lists of lines end where the next begin."""
    if isinstance(node, yaml.ScalarNode):
        return node.style not in ("|", ">")
    return bool(node.flow_style)


def flow(value: Any) -> str:
    """YAML of a value on one line."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    text: str = yaml.safe_dump(value, default_flow_style=True, width=math.inf)
    return text.removesuffix("\n").removesuffix("\n...")

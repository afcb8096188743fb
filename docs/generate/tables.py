"""Tables of settings, from the JSON schemas of the models."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docs.generate.sentences import laid_out

Schema = Mapping[str, Any]
Naming = Callable[[str, Schema], str]
"""What a table says where a value has settings of its own: of the name and the schema of these."""
REQUIRED = "**required**"
MOST_NAMES = 8
"""Most names of a table's rows that are listed."""
LONGEST = 60
"""Longest default that is shown, in characters."""
EXACT = 1 << 53
"""Above it numbers are shown as powers."""
KINDS = {
    "integer": "integer",
    "number": "number",
    "string": "text",
    "null": "none",
    "boolean": "yes or no",
}
SIGNS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}


def plain_name(name: str, _part: Schema) -> str:
    """The name alone, where settings stand further down on the page."""
    return name


def table(
    part: Schema, whole: Schema, hidden: tuple[str, ...] = (), naming: Naming = plain_name
) -> str:
    """One row per setting: values, default, meaning.

    Args:
        part: Schema of one model.
        whole: The schema that its references point into.
        hidden: Settings that are left out.
        naming: What a row says of nested settings.
    """
    return "\n".join(_rows(part, whole, hidden, naming))


def _rows(part: Schema, whole: Schema, hidden: tuple[str, ...], naming: Naming) -> Iterator[str]:
    yield from ("| key | values | default | meaning |", "|---|---|---|---|")
    for name, field in part.get("properties", {}).items():
        if name not in hidden:
            default = REQUIRED if name in part.get("required", ()) else _default(field, whole)
            meaning = one_line(str(field.get("description", "")))
            yield f"| `{name}` | {values(field, whole, naming)} | {default} | {meaning} |"


def described(part: Schema) -> str:
    """What a model says of itself."""
    return laid_out(str(part.get("description", "")) + "\n").strip()


def one_line(text: str) -> str:
    """Text without line breaks; a bar would end a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _default(field: Schema, whole: Schema) -> str:
    """The default in YAML's form; of nested settings what chooses among them."""
    if "default" not in field:  # it follows from other settings; the meaning says how
        return ""
    value, models = field["default"], references(field)
    if isinstance(value, dict) and models:
        chosen = _chosen(value, models, whole)
        return f"`{chosen}`" if chosen else "its defaults"
    if isinstance(value, list) and models and all(isinstance(one, dict) for one in value):
        return f"`[{', '.join(_chosen(one, models, whole) or '{}' for one in value)}]`"
    return f"`{_plain(value)}`"


def _chosen(value: dict[str, Any], models: list[str], whole: Schema) -> str:
    """Which of several models a value is; empty where there is only one."""
    tags = {key for name in models for key, _ in [tag_of(whole["$defs"][name])] if key}
    said = [f"{{{key}: {value[key]}}}" for key in tags if key in value]
    return said[0] if said and len(models) > 1 else ""


TAGS = ("method", "kind", "arch", "loss")
"""Settings that say which of several models a value is."""


def tag_of(part: Schema) -> tuple[str, str]:
    """The setting that tells a model from others, and what it is there; empty for the only one."""
    for key in TAGS:
        if "const" in (field := part.get("properties", {}).get(key, {})):
            return key, str(field["const"])
    return "", ""


def references(field: Schema) -> list[str]:
    """Names of the models with settings that a value may be, or a list of them."""
    if "$ref" in field:
        return [str(field["$ref"]).rsplit("/", 1)[-1]]
    inner = [
        *field.get("anyOf", ()),
        *field.get("oneOf", ()),
        *field.get("prefixItems", ()),
        field.get("items"),
        field.get("additionalProperties"),
    ]
    found = [name for one in inner if isinstance(one, dict) for name in references(one)]
    return list(dict.fromkeys(found))


def _plain(value: object) -> str:
    """A value as YAML has it, on one line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).replace("'", "") or '""'
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def values(field: Schema, whole: Schema, naming: Naming = plain_name) -> str:
    """The JSON Schema of a value in a few words."""
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        target = whole["$defs"][name]
        return naming(name, target) if "properties" in target else values(target, whole, naming)
    for key in ("anyOf", "oneOf"):
        if key in field:
            return " or ".join(dict.fromkeys(values(part, whole, naming) for part in field[key]))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return _list(field, whole, naming)
    return _mapping(field, whole, naming) or _range(field)


def _list(field: Schema, whole: Schema, naming: Naming) -> str:
    if parts := field.get("prefixItems"):
        each = list(dict.fromkeys(values(part, whole, naming) for part in parts))
        return f"{len(parts)} {_many(each[0])}" if len(each) == 1 else f"[{'; '.join(each)}]"
    least = f", at least {field['minItems']}" if "minItems" in field else ""
    return f"list of {_many(values(field.get('items', {}), whole, naming))}{least}"


def _many(text: str) -> str:
    """Several of what a text names."""
    return re.sub(r"^(integer|number|text)\b", r"\1s", text)


def _mapping(field: Schema, whole: Schema, naming: Naming) -> str:
    """A table of names and values; empty if it is none."""
    inner = field.get("additionalProperties")
    if not isinstance(inner, dict):
        inner = next(iter(field.get("patternProperties", {}).values()), None)
    if not isinstance(inner, dict):
        return ""
    names = [f"`{name}`" for name in field.get("propertyNames", {}).get("enum", ())]
    if len(names) > MOST_NAMES:
        names = [names[0], "...", names[-1]]
    return f"{{{', '.join(names) or 'name'}: {values(inner, whole, naming)}}}"


def _range(field: Schema) -> str:
    kind = str(field.get("type", "settings"))
    bounds = [f"{sign} {_bound(field[key])}" for key, sign in SIGNS.items() if key in field]
    return ", ".join([KINDS.get(kind, kind), *bounds])


def _bound(value: float) -> str:
    """A bound as people write it: seeds end at a power of two."""
    if value > EXACT and math.log2(value).is_integer():
        return f"2^{math.log2(value):.0f}"
    return str(value) if isinstance(value, int) else f"{value:g}"

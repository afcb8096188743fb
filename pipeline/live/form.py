"""A degrader's settings as sliders, switches and choices, from the schema of the settings alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pairmill.schemas.chain_fit import Path
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.live import Condition, Knob, Panel

Schema = dict[str, Any]
ELSEWHERE = ("kind", "weight", "name")
"""Settings that change no LR of the degrader."""
UNITS = (
    ("pixels squared", "px²"),
    ("radians per pixel", "rad/px"),
    ("radians", "rad"),
    ("intensity levels", "levels"),
    ("pixels", "px"),
)
"""How descriptions name a unit, longest first, and how a page does."""
PLACES = 100
"""Places of a slider, at least."""
MAGNITUDES = 50.0
"""Largest number of a range over its least from which on its slider is logarithmic."""
ROOM = 3.0
"""How far a slider without an upper bound goes beyond the largest number that is usual."""


@dataclass(frozen=True)
class _Spot:
    """A value with its schema, and where it is."""

    schema: Schema
    value: Any
    published: Any
    """What the degrader takes where the value is none."""
    path: Path
    label: str
    help: str
    when: Condition | None = None


def panels(config: DegraderBase, scale: int) -> tuple[Panel, ...]:
    """The settings of a degrader, the simple ones first, then each group of its own.

    Args:
        config: The settings; lists of ops and the forms of ranged parameters are those that stand
            there.
        scale: HR side over LR side, which published values depend on.
    """
    schema = type(config).model_json_schema()
    form = _Form(schema.get("$defs", {}))
    top = _Spot(schema, as_json(config), as_json(config.filled(scale)), (), "", "")
    form.group(top, "")
    return tuple(panel for panel in form.panels if panel.knobs)


def as_json(config: DegraderBase) -> dict[str, Any]:
    """Settings by the names that recipes give them, as JSON has them: lists instead of tuples."""
    value: dict[str, Any] = json.loads(json.dumps(config.model_dump()))
    return value


class _Form:
    def __init__(self, definitions: Schema) -> None:
        self.definitions = definitions
        self.panels: list[Panel] = []

    def group(self, spot: _Spot, title: str) -> None:
        """A panel of what lies in a table or list, and the panels of what lies in that."""
        place = len(self.panels)
        panel = Panel(title=title, help=spot.help, knobs=(), when=spot.when)
        self.panels.append(panel)
        knobs = list[Knob]()
        for inner in self._inside(spot):
            self._add(inner, knobs, title)
        self.panels[place] = panel.with_(knobs=tuple(knobs))

    def _add(self, spot: _Spot, knobs: list[Knob], title: str) -> None:
        schema = self._chosen(spot)
        value = spot.published if spot.value is None else spot.value
        if schema is None or value is None:
            return  # off, and nothing says what it would be
        knob = _knob(spot, schema, value)
        if knob is not None:
            knobs.append(knob)
        elif isinstance(value, list):
            whole = replace(spot, schema=schema, value=value, published=value)
            for one in self._inside(whole):
                self._add(one, knobs, title)
        elif isinstance(value, dict):
            words = " ".join((spot.help or schema.get("description", "")).split())
            inner = replace(spot, schema=schema, value=value, published=value, help=words)
            self.group(inner, " · ".join(filter(None, (title, self._name(inner)))))

    def _name(self, spot: _Spot) -> str:
        """The label, and for an op or a kernel which one."""
        if isinstance(spot.value, dict):
            kind = spot.value.get("op") or spot.value.get("shape")
            return f"{spot.label}: {kind}" if kind else spot.label
        return spot.label

    def _inside(self, spot: _Spot) -> Iterator[_Spot]:
        schema, value = spot.schema, spot.value
        if isinstance(value, list):
            items = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
            for number, (part, one) in enumerate(zip(items, value, strict=True)):
                label = f"{spot.label} {number + 1}"
                words = "" if isinstance(one, dict) else spot.help
                yield _Spot(part, one, one, (*spot.path, number), label, words, spot.when)
        elif "properties" in schema:
            yield from self._fields(spot)
        else:
            names = self._resolved(schema.get("propertyNames", {})).get("enum", sorted(value))
            for name in names:
                each = schema["additionalProperties"]
                one = value.get(name, 0.0)
                yield _Spot(each, one, one, (*spot.path, name), name.replace("_", " "), "")

    def _fields(self, spot: _Spot) -> Iterator[_Spot]:
        properties = spot.schema["properties"]
        for name, part in properties.items():
            if name not in spot.value or (not spot.path and name in ELSEWHERE):
                continue
            words, when = self._condition(part.get("description", ""), properties, spot.path)
            published = (spot.published or {}).get(name)
            path, label = (*spot.path, name), name.replace("_", " ")
            yield _Spot(part, spot.value[name], published, path, label, words, when)

    def _condition(
        self, words: str, properties: Schema, path: Path
    ) -> tuple[str, Condition | None]:
        """A description without `Chain plus: ` in front, which says what `chain` must be."""
        words = " ".join(words.split())
        found = re.match(r"(\w+) (\w+)\b[^:.]*: ", words)
        if found:
            name, value = found[1].lower(), found[2]
            if value in self._resolved(properties.get(name, {})).get("enum", ()):
                rest = words[found.end() :]
                # What stands between the value and the colon narrows it further: "at scale 4".
                further = words[: found.end() - 2].removeprefix(f"{found[1]} {value}").strip()
                told = f"{rest[:1].upper()}{rest[1:]}"
                told = f"{told} ({further})" if further else told
                return told, Condition(path=(*path, name), value=value)
        return words, None

    def _chosen(self, spot: _Spot) -> Schema | None:
        """The schema of the form that a value has, of several that it may have."""
        schema = self._resolved(spot.schema)
        value = spot.published if spot.value is None else spot.value
        while options := schema.get("anyOf") or schema.get("oneOf"):
            fitting = [one for one in map(self._resolved, options) if self._fits(one, value)]
            if not fitting:
                return None
            schema = fitting[0]
        return schema

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            schema = self.definitions[name] | {k: v for k, v in schema.items() if k != "$ref"}
        return schema

    def _fits(self, schema: Schema, value: Any) -> bool:
        if "anyOf" in schema or "oneOf" in schema:
            options = schema.get("anyOf") or schema["oneOf"]
            return any(self._fits(self._resolved(one), value) for one in options)
        if isinstance(value, list):
            items = schema.get("prefixItems")
            if items is not None and len(items) != len(value):
                return False
            items = items or [schema.get("items", {})] * len(value)
            enough = len(value) >= schema.get("minItems", 0)
            whole = zip(items, value, strict=True)
            return (
                schema.get("type") == "array"
                and enough
                and all(self._fits(self._resolved(part), one) for part, one in whole)
            )
        if isinstance(value, dict):
            known = schema.get("properties", {})
            named = all(
                part["const"] == value.get(key) for key, part in known.items() if "const" in part
            )
            spare = bool(schema.get("additionalProperties"))
            return schema.get("type") == "object" and named and (spare or set(value) <= set(known))
        if "enum" in schema:
            return value in schema["enum"]
        return _type_of(value) in (schema.get("type"), *_WIDER.get(schema.get("type", ""), ()))


_WIDER = {"number": ("integer",)}


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def _knob(spot: _Spot, schema: Schema, value: Any) -> Knob | None:
    """The setting as one control; none for what is fixed, and for tables and lists."""
    basis: dict[str, Any] = {
        "path": spot.path,
        "label": spot.label,
        "help": spot.help,
        "when": spot.when,
        "instead": value if _may_be_none(spot.schema) else None,
    }
    if "const" in schema:
        return None
    if "enum" in schema:
        return Knob(kind="choice", choices=tuple(schema["enum"]), **basis)
    if schema.get("type") == "boolean":
        return Knob(kind="switch", **basis)
    if schema.get("type") in ("number", "integer"):
        return Knob(kind="number", **basis, **_scale(schema, [value], spot.help))
    ends = schema.get("prefixItems", [])
    if len(ends) == 2 and all(end.get("type") in ("number", "integer") for end in ends):
        return Knob(kind="range", **basis, **_scale(ends[0], value, spot.help))
    return None


def _may_be_none(schema: Schema) -> bool:
    return any(option.get("type") == "null" for option in schema.get("anyOf", ()))


def _scale(schema: Schema, values: list[float], words: str) -> dict[str, Any]:
    """Ends, bounds and steps of a slider."""
    whole = schema["type"] == "integer"
    least, most = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if least is None:
        least = above
    smallest, largest = min(values), max(values)
    high = _round_up(ROOM * max(largest, -smallest, 0.25))
    low = least
    if low is None:
        low = 0.0 if smallest > 0 else -high
    if most is not None:
        short = most <= 1 or low < 0 or (whole and most <= PLACES)
        high = most if short else min(most, high)
    log = smallest > 0 and largest / smallest >= MAGNITUDES and most is None
    if log:
        low, high = smallest / 10, largest * 10
    odd = whole and re.search(r"\bodd\b", words) is not None
    step = _round_down((high - low) / PLACES)
    if whole:
        step = 2.0 if odd else 1.0
    return {
        "low": low,
        "high": high,
        "least": least,
        "most": most,
        "step": step,
        "whole": whole,
        "log": log,
        "unit": next((unit for phrase, unit in UNITS if f"in {phrase}" in words), ""),
    }


def _round_up(value: float) -> float:
    """The next number that begins with 1, 2 or 5 and goes on with zeros."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(n for n in (1, 2, 5, 10) if n * power >= value * 0.999999) * power:.6g}")


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{max(n for n in (1, 2, 5) if n * power <= value * 1.000001) * power:.6g}")

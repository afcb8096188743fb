"""Every way to change one value of a config, found by walking it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from pairmill.schemas.base import Frozen

M = TypeVar("M", bound=Frozen)


NAMES = (
    "camera",
    "noise",
    "kernels",
    "off",
    "none",
    "measured",
    "realsr",
    "nothing",
    "reject",
    "trunk",
    "as_mined",
    "by_level",
    "energy",
    "instance",
    "2020track1",
    "mixture",
    "specific",
    "colour",
    "small",
    "fast",
    "replayed",
    "published",
    "vector",
    "channel",
    "identity",
    "random",
    "beside",
    "average",
    "gaussian",
    "hinge",
    "float",
)
"""Values of settings that are one of some names."""


METHODS = {("kernels", "method"), ("kernelgan", "method"), ("settings", "method"), ("sr", "arch")}
"""They stand for the whole of their settings, as a degrader's `kind` does."""


def changed_leaves(config: M, leave_out: Sequence[str] = ()) -> dict[str, M]:
    """For every leaf of a config, such as `tiles.size`, a valid config in which only that leaf
    differs.

    `kind` of a degrader stands for the whole of its settings and is left out.

    Raises:
        AssertionError: if a leaf has no other valid value that this module thinks of.
    """
    value = config.model_dump()
    changed: dict[str, M] = {}
    for place in leaves(value):
        name = ".".join(map(str, place))
        if {place[0], name} & set(leave_out) or place[-1] == "kind" or place[-2:] in METHODS:
            continue
        found = next(_valid(config, value, place), None)
        assert found is not None, f"no other valid value for {name}"
        changed[name] = found
    return changed


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Places of all values that are no mappings and no non-empty sequences."""
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list | tuple):
        parts = list(enumerate(value))
    else:
        yield place
        return
    for key, part in parts:
        yield from leaves(part, (*place, key))


def others(value: Any) -> list[Any]:
    """Values of the same kind that may be valid in its stead."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, value + 2, value + 8, value * 2, value * 3 // 2, 4, 8, 1]
    if isinstance(value, float):
        return [value * 1.01, value * 0.99, 0.5, 0.25]
    if isinstance(value, str):
        return [("0" if value[:1] != "0" else "1") + value[1:], *NAMES, 20.0]
    return [8, 0.5, "x", (0.5, 1.0)]


def _valid(config: M, value: dict[str, Any], place: tuple[Any, ...]) -> Iterator[M]:
    for other in others(_get(value, place)):
        try:
            changed = type(config).model_validate(_set(value, place, other))
        except ValidationError:
            continue
        if changed != config:
            yield changed


def _get(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def _set(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    if isinstance(value, dict):
        return value | {place[0]: _set(value[place[0]], place[1:], new)}
    return [
        _set(part, place[1:], new) if number == place[0] else part
        for number, part in enumerate(value)
    ]

"""What the recipes of sealed versions meant by not saying what could not be said then."""

from __future__ import annotations

from typing import Any

BICUBIC = {"bicubic", "codec", "bicubic_down"}
"""Degraders and steps that got a choice of the form of bicubic downscaling."""


def as_meant(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe of a version's identity, with what it meant written out: PNG by OpenCV, the only
    encoding that there was, and bicubic downscaling in floating point, the only form.
    """
    shards = {"encoding": "opencv", **recipe["shards"]}
    return {**recipe, "shards": shards, "degraders": _in_floats(recipe["degraders"])}


def _in_floats(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_in_floats(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {key: _in_floats(part) for key, part in value.items()}
    if {found.get("kind"), found.get("op")} & BICUBIC:
        return {"form": "float", **found}
    return found

"""Truth values where a recipe wants numbers: pydantic takes `true` for 1, and a recipe that says so
is wrong.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError


class _Truth(str):
    """`true` or `false` as a word: good enough where a truth value is wanted, and no number."""

    __slots__ = ()


def truths_for_numbers(model: type[BaseModel], value: Any) -> list[dict[str, Any]]:
    """Errors of pydantic for each truth value of `value` that stands where `model` wants a number.

    The model is asked what it says to words in their places, so that no schema has to know of this.
    """
    worded = _worded(value, {})
    if worded is value:
        return []
    try:
        model.model_validate(worded)
    except ValidationError as error:
        found = [dict(item) for item in error.errors(include_url=False)]
        return [
            item | {"input": item["input"] == "true"}
            for item in found
            if isinstance(item["input"], _Truth)
            and item["type"] in ("int_parsing", "float_parsing")
        ]
    return []


def _worded(value: Any, known: dict[int, Any]) -> Any:
    """A value with its truth values as words, itself if there are none; `known` spares what many
    aliases share.
    """
    if isinstance(value, bool):
        return _Truth(str(value).lower())
    if not isinstance(value, dict | list):
        return value
    if id(value) not in known:
        parts = value.values() if isinstance(value, dict) else value
        made = [_worded(part, known) for part in parts]
        same = all(one is other for one, other in zip(made, parts, strict=True))
        if same:
            known[id(value)] = value
        elif isinstance(value, dict):
            known[id(value)] = dict(zip(value, made, strict=True))
        else:
            known[id(value)] = made
    return known[id(value)]

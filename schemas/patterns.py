"""Files that a recipe names by patterns."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from pairmill.schemas.base import Key


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


ONE_OR_MANY = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Patterns = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), WithJsonSchema(ONE_OR_MANY)]
"""Several patterns; a recipe may write a single one as plain text."""


def _form(value: Any) -> str:
    return "named groups" if isinstance(value, dict) else "one group"


NamedPatterns = Annotated[
    Annotated[Patterns, Tag("one group")]
    | Annotated[
        dict[Key, Annotated[Patterns, Field(min_length=1)]],
        Field(min_length=1),
        Tag("named groups"),
    ],
    Discriminator(_form),
]
"""Patterns, or a table of names and the patterns of each: `{phone: phone/*.jpg, compact: [a]}`."""

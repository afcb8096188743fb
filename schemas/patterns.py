"""Files that a recipe names by patterns."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


ONE_OR_MANY = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Patterns = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), WithJsonSchema(ONE_OR_MANY)]
"""Several patterns; a recipe may write a single one as plain text."""

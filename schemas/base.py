"""Frozen pydantic models with canonical JSON and content digests."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in lower-case hexadecimal."""

Key = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$", max_length=100)]
"""A name that every shard reader, file system and trainer accepts: no dots, no spaces, no
capitals."""


class Frozen(BaseModel):
    """Base of all schemas: immutable, unknown keys are errors, attribute docstrings are the
    descriptions.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    def with_(self, **changes: Any) -> Self:
        """A validated copy with `changes` applied."""
        return type(self).model_validate(self.model_dump() | changes)

    def canonical_json(self) -> str:
        """The one JSON text of this value: sorted keys, no spaces, shortest round-trip floats."""
        return canonical_json(self.model_dump(mode="json"))

    def content_digest(self) -> str:
        """SHA-256 of `canonical_json`, in hexadecimal."""
        return digest_of(self.model_dump(mode="json"))


class Grown(Frozen):
    """A schema that grew: what was written or hashed before keeps its bytes."""

    added: ClassVar[tuple[str, ...]] = ()
    """Fields that came later; they are left out where they have their default."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        value: dict[str, Any] = handler(self)
        for name in self.added:
            if name in value and getattr(self, name) == type(self).model_fields[name].default:
                del value[name]
        return value


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: Any) -> str:
    """`value` (JSON types only) as the one JSON text that is hashed and stored."""
    return _CANONICAL.encode(value)


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()

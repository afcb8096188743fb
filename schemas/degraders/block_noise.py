"""Settings of noise whose strength changes from block to block."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from pairmill.schemas.degraders.ikc import GaussianBlurBase
from pairmill.schemas.degraders.ranges import Levels


class BlockNoiseConfig(GaussianBlurBase):
    """IKC's blur and downscaling with noise that has another strength in each block, added to the
    HR first.
    """

    kind: Literal["block_noise"] = "block_noise"
    """Which degrader."""
    block: int = Field(default=8, ge=1, le=256)
    """Side of a block, in pixels."""
    sigma: Levels = (0.0, 75.0)
    """Smallest and largest standard deviation of a block, in intensity levels."""
    added_to: Literal["hr", "lr"] = "hr"
    """What the noise is added to: the HR, before the blur, as described, or the LR. It was called
    `on`, which YAML takes for a truth value; that name is still read."""

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "on" not in value:
            return value
        if "added_to" in value:
            raise ValueError("added_to and its old name, on, both stand here; leave on out")
        return {key if key != "on" else "added_to": part for key, part in value.items()}

    @model_serializer(mode="wrap")
    def _as_stored(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """What is hashed and stored has the old name, so that versions and units stay found."""
        value: dict[str, Any] = handler(self)
        if info.mode_is_json():
            value["on"] = value.pop("added_to")
        return value

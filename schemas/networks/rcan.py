"""Settings of `models/archs/rcan.py`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from pairmill.schemas.networks.base import (
    DIV2K_MEAN,
    Count,
    Level,
    NetworkBase,
    Span,
    check_squeeze,
)


class RcanConfig(NetworkBase):
    """RCAN (Zhang et al. 2018): residual groups of residual blocks with channel attention."""

    arch: Literal["rcan"] = "rcan"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("residual_scale", "range", "mean")
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the layers."""
    groups: Count = 10
    """Residual groups."""
    blocks: Count = 20
    """Residual blocks per group, 20 as published (the default of BasicSR's class is 16)."""
    squeeze: Count = 16
    """How many times fewer channels the attention has in its middle."""
    residual_scale: Level = 1.0
    """Factor of what a block adds; 1 if other tools shall read the checkpoint."""
    range: Span = 255.0
    """What the network counts white as; 255 if other tools shall read the checkpoint."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        check_squeeze(self.features, self.squeeze)
        return self

"""Settings of `models/archs/san.py`."""

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


class SanConfig(NetworkBase):
    """SAN (Dai et al. 2019): as RCAN, with channels weighted by their covariance instead of their
    means.
    """

    arch: Literal["san"] = "san"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("range", "mean")
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the layers."""
    groups: Count = 20
    """Residual groups."""
    blocks: Count = 10
    """Residual blocks per group."""
    squeeze: Count = 16
    """How many times fewer channels the weights of channels have in their middle."""
    inner: Count = 8
    """Channels of the attention within quadrants of the image."""
    range: Span = 255.0
    """What the network counts white as."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        check_squeeze(self.features, self.squeeze)
        return self

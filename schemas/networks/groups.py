"""What settings of networks of residual groups with weighed channels share: RCAN's and SAN's."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from pairmill.schemas.networks.base import (
    DIV2K_MEAN,
    Count,
    Level,
    NetworkBase,
    Span,
    check_squeeze,
)


class GroupsBase(NetworkBase):
    """Residual groups of residual blocks, whose channels are weighed by what they hold."""

    features: Count = 64
    """Channels between the layers."""
    groups: Count
    """Residual groups."""
    blocks: Count
    """Residual blocks per group."""
    squeeze: Count = 16
    """How many times fewer channels the weights of channels have in their middle."""
    range: Span = 255.0
    """What the network counts white as; 255 if other tools shall read the checkpoint."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        check_squeeze(self.features, self.squeeze)
        return self

"""Settings of `models/archs/idn.py`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from pairmill.schemas.networks.base import Count, NetworkBase

GROUPS = 4
"""Groups of the convolution in the middle of each half of a block."""


class IdnConfig(NetworkBase):
    """IDN (Hui et al. 2018): blocks that keep a part of their features and go on with the rest
    (post-upsampling, over bicubic). The version for RGB, whose last channels become pixels.
    """

    arch: Literal["idn"] = "idn"
    """Name of the network."""
    features: Count = 64
    """Channels between the blocks; D3 in the paper."""
    kept: Count = 16
    """Channels that a block keeps half way; d in the paper."""
    blocks: Count = 4
    """Distillation blocks."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.features % GROUPS or self.kept % GROUPS or self.features <= 2 * self.kept:
            raise ValueError(
                f"kept: {self.kept} of {self.features} features: both want to be multiples of "
                f"{GROUPS}, and fewer than half can be kept"
            )
        return self

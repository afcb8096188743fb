"""Settings of `models/archs/carn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from pairmill.schemas.networks.base import DIV2K_MEAN, Count, HeadsBase, Level


class CarnConfig(HeadsBase):
    """CARN and CARN-M (Ahn et al. 2018): residual blocks whose results cascade through 1 x 1
    convolutions (post-upsampling).
    """

    arch: Literal["carn"] = "carn"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("mean",)
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the layers."""
    mobile: bool = False
    """CARN-M: convolutions in groups, and one residual block used three times in each cascade."""
    groups: Count = 4
    """Groups of CARN-M's convolutions."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.mobile and self.features % self.groups:
            raise ValueError(f"groups: {self.features} features cannot be put into {self.groups}")
        return self

"""Settings of `models/archs/srcnn.py`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from pairmill.schemas.networks.base import Count, NetworkBase, Side


class SrcnnConfig(NetworkBase):
    """SRCNN (Dong et al. 2014), the first of its kind: three convolutions over the bicubic
    upscaling (pre-upsampling).
    """

    arch: Literal["srcnn"] = "srcnn"
    """Name of the network."""
    features: tuple[Count, Count] = (64, 32)
    """Channels after the first and the second convolution."""
    sides: tuple[Side, Side, Side] = (9, 1, 5)
    """Sides of the filters, odd: 9-1-5 as first published, 9-5-5 is slower and better."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if any(side % 2 == 0 for side in self.sides):
            raise ValueError(
                f"sides: {list(self.sides)}: filters have odd sides, so that the image stays "
                "where it is"
            )
        return self

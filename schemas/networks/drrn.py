"""Settings of `models/archs/drrn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.luma import LumaBase


class DrrnConfig(LumaBase, HeadsBase):
    """DRRN (Tai et al. 2017): residual units that share their weights, each over what the block
    begins with (pre-upsampling, recursive).
    """

    arch: Literal["drrn"] = "drrn"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("units",)
    """See `NetworkBase.untold`."""
    features: Count = 128
    """Channels between the convolutions."""
    blocks: int = Field(default=1, ge=1, le=64)
    """Blocks, each with weights of its own."""
    units: int = Field(default=25, ge=1, le=64)
    """How often a block applies its unit of two convolutions."""

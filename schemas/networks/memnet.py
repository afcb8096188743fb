"""Settings of `models/archs/memnet.py`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.luma import LumaBase


class MemNetConfig(LumaBase, HeadsBase):
    """MemNet (Tai et al. 2017): blocks of a recursive unit that keep what all blocks before have
    made, an image of each, and their weighted sum (pre-upsampling, recursive, dense).
    """

    arch: Literal["memnet"] = "memnet"
    """Name of the network."""
    features: Count = 64
    """Channels between the convolutions."""
    blocks: int = Field(default=6, ge=1, le=32)
    """Memory blocks."""
    recursions: int = Field(default=6, ge=1, le=32)
    """How often a block applies its unit of two convolutions."""

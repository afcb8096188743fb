"""Settings of `models/archs/drcn.py`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.luma import LumaBase


class DrcnConfig(LumaBase, HeadsBase):
    """DRCN (Kim et al. 2016): one convolution applied again and again, an image after each time,
    and their weighted mean (pre-upsampling, recursive).
    """

    arch: Literal["drcn"] = "drcn"
    """Name of the network."""
    features: Count = 256
    """Channels between the convolutions."""
    recursions: int = Field(default=16, ge=1, le=64)
    """How often the convolution is applied."""
    supervised: float = Field(default=0.5, gt=0, le=1)
    """Share of training over which the losses of the single images fade, and that of their mean
    gains."""

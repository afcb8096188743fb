"""Settings of `models/archs/vdsr.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.luma import LumaBase


class VdsrConfig(LumaBase, HeadsBase):
    """VDSR (Kim et al. 2016): many plain convolutions that correct the bicubic upscaling
    (pre-upsampling).
    """

    arch: Literal["vdsr"] = "vdsr"
    """Name of the network."""
    scales: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 8)
    """Scales that it is built for; 1 cleans an image of the same size."""
    features: Count = 64
    """Channels between the convolutions."""
    depth: int = Field(default=20, ge=3, le=256)
    """Convolutions."""
    bias: bool = True
    """Whether convolutions have biases; those of the PyTorch port have none."""

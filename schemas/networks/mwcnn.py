"""Settings of `models/archs/mwcnn.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.luma import LumaBase

Dilations = Annotated[tuple[Annotated[int, Field(ge=1, le=8)], ...], Field(max_length=16)]


class MwcnnConfig(LumaBase, HeadsBase):
    """MWCNN (Liu et al. 2018, 2019), a U-net on wavelets with a large receptive field, for
    upscaling, noise and JPEG. The defaults are version 2; version 1: features 160-256-256,
    dilations and lowest 1-1-1, bands.
    """

    arch: Literal["mwcnn"] = "mwcnn"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("dilations", "lowest")
    """See `NetworkBase.untold`."""
    scales: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 8)
    """Scales that it is built for."""
    features: Annotated[tuple[Count, ...], Field(min_length=1, max_length=5)] = (64, 128, 256, 512)
    """Channels of the levels, the largest first; each has half the size of the one before."""
    dilations: Dilations = (2, 1)
    """Dilations of the further convolutions of a level, before the next one and after it."""
    lowest: Dilations = (2, 3)
    """The same of the deepest level, whose second half has them in reverse."""
    bands: bool = False
    """Whether the image itself enters as wavelet bands, as in version 1."""

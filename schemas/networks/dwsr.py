"""Settings of `models/archs/dwsr.py`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.luma import LumaBase


class DwsrConfig(LumaBase, HeadsBase):
    """DWSR (Guo et al. 2017): what is missing from the wavelet bands of the bicubic upscaling."""

    arch: Literal["dwsr"] = "dwsr"
    """Name of the network."""
    features: Count = 64
    """Channels between the convolutions."""
    depth: Count = 10
    """Convolutions between the first and the last."""

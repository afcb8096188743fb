"""Settings of `models/archs/espcn.py`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.networks.base import Count, NetworkBase


class EspcnConfig(NetworkBase):
    """ESPCN (Shi et al. 2016): convolutions at the size of the LR, whose last channels become
    pixels (post-upsampling).
    """

    arch: Literal["espcn"] = "espcn"
    """Name of the network."""
    features: tuple[Count, Count] = (64, 32)
    """Channels after the first (5 x 5) and the second (3 x 3) convolution."""

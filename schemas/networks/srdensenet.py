"""Settings of `models/archs/srdensenet.py`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.networks.base import Count, NetworkBase


class SrDenseNetConfig(NetworkBase):
    """SRDenseNet (Tong et al. 2017): dense blocks whose results are all fused, then transposed
    convolutions (post-upsampling).
    """

    arch: Literal["srdensenet"] = "srdensenet"
    """Name of the network."""
    features: Count = 128
    """Channels after the first convolution."""
    blocks: Count = 8
    """Dense blocks."""
    layers: Count = 8
    """Convolutions per block."""
    growth: Count = 16
    """Channels that each of them adds."""
    fused: Count = 256
    """Channels of the upsampling layers."""

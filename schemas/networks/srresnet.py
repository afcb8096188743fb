"""Settings of `models/archs/srresnet.py`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.networks.base import Count, NetworkBase


class SrResNetConfig(NetworkBase):
    """SRResNet (Ledig et al. 2017) without batch normalisation: BasicSR's MSRResNet, which is what
    people train.
    """

    arch: Literal["srresnet"] = "srresnet"
    """Name of the network."""
    features: Count = 64
    """Channels between the layers."""
    blocks: Count = 16
    """Residual blocks of two convolutions."""

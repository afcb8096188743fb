"""Settings of `models/archs/compact.py`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.networks.base import Count, NetworkBase


class CompactConfig(NetworkBase):
    """The compact network of the Real-ESRGAN family (SRVGGNetCompact): a row of convolutions with
    PReLU. Features 16 and blocks 4 make the smallest network that other tools read, which trains on
    a CPU.
    """

    arch: Literal["compact"] = "compact"
    """Name of the network."""
    features: Count = 64
    """Channels between the convolutions."""
    blocks: Count = 16
    """Convolutions between the first and the last; 32 in realesr-general-x4v3."""

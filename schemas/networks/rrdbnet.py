"""Settings of `models/archs/rrdbnet.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import Count, NetworkBase


class RrdbNetConfig(NetworkBase):
    """RRDBNet (ESRGAN, Wang et al. 2018): residual-in-residual dense blocks. Below scale 4 the
    input's pixels are packed into channels first, as in Real-ESRGAN.
    """

    arch: Literal["rrdbnet"] = "rrdbnet"
    """Name of the network."""
    scales: ClassVar[tuple[int, ...]] = (1, 2, 4)
    """Scales that it is built for: its two doublings, less what packing takes back."""
    features: Count = 64
    """Channels between the blocks."""
    blocks: Count = 23
    """Blocks of three dense blocks; 6 in the small network for drawings."""
    growth: Count = 32
    """Channels that each convolution of a dense block adds; 32 if other tools shall read the
    checkpoint."""

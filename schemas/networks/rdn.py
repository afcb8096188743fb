"""Settings of `models/archs/rdn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import Count, NetworkBase, Span


class DenseBodyConfig(NetworkBase):
    """Settings of residual blocks of densely connected convolutions, all fused at the end."""

    untold: ClassVar[tuple[str, ...]] = ("range",)
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the blocks; G0 in the paper."""
    blocks: Count = 16
    """Residual dense blocks; D in the paper."""
    layers: Count = 8
    """Convolutions per block; C in the paper."""
    growth: Count = 64
    """Channels that each of them adds; G in the paper."""
    range: Span = 1.0
    """What the network counts white as: the image in [0, 1] is multiplied by it, and the result
    divided; 255 in EDSR-PyTorch."""


class RdnConfig(DenseBodyConfig):
    """RDN (Zhang et al. 2018): residual blocks of densely connected convolutions, all fused at the
    end (post-upsampling). The defaults are variant B; A has 20 blocks of 6 layers, growth 32.
    """

    arch: Literal["rdn"] = "rdn"
    """Name of the network."""

"""Settings of `models/archs/fsrcnn.py`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.networks.base import Count
from pairmill.schemas.networks.luma import LumaBase


class FsrcnnConfig(LumaBase):
    """FSRCNN (Dong et al. 2016): few channels at the size of the LR, one transposed convolution
    (post-upsampling); real time on a CPU.
    """

    arch: Literal["fsrcnn"] = "fsrcnn"
    """Name of the network."""
    features: Count = 56
    """Channels after the first and before the last layer; d in the paper."""
    shrunk: Count = 12
    """Channels between; s in the paper."""
    depth: Count = 4
    """Convolutions between; m in the paper."""
    published: bool = False
    """Whether the last filter has the published side, 9 at every scale, to read published weights.
    Its middle stands (scale - 1) / 2 HR pixels off, which training has to make up for; without it
    the side is scale + 8, and nothing is off."""

"""Settings of `models/archs/mdsr.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import DIV2K_MEAN, Count, HeadsBase, Level, Span


class MdsrConfig(HeadsBase):
    """MDSR (Lim et al. 2017): EDSR with a head for each scale, and most of it shared by all. The
    defaults are the large one; the baseline has 16 blocks.
    """

    arch: Literal["mdsr"] = "mdsr"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("range", "mean")
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the layers."""
    blocks: Count = 80
    """Residual blocks that all scales share."""
    range: Span = 255.0
    """What the network counts white as."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

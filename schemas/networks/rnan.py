"""Settings of `models/archs/rnan.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import DIV2K_MEAN, Count, Level, NetworkBase, Span


class RnanConfig(NetworkBase):
    """RNAN (Zhang et al. 2019): residual blocks under masks, two of which see the whole image."""

    arch: Literal["rnan"] = "rnan"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("range", "mean")
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the layers."""
    groups: Count = 10
    """Groups of nine residual blocks, four of which make a mask."""
    inner: Count = 32
    """Channels of the attention in the first and the last group."""
    range: Span = 255.0
    """What the network counts white as."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

"""Settings of `models/archs/msrn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import DIV2K_MEAN, Count, Level, NetworkBase, Span


class MsrnConfig(NetworkBase):
    """MSRN (Li et al. 2018): blocks with filters of two sizes side by side, all fused at the end
    (post-upsampling).
    """

    arch: Literal["msrn"] = "msrn"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("range", "mean")
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the blocks."""
    blocks: Count = 8
    """Multi-scale residual blocks."""
    range: Span = 255.0
    """What the network counts white as."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

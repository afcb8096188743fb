"""Settings of `models/archs/srfbn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.base import DIV2K_MEAN, Count, Level, NetworkBase, Span


class SrfbnConfig(NetworkBase):
    """SRFBN (Li et al. 2019): one block of projections, used several times and fed with what it
    made before; every time gives an image, and all are learned. SRFBN-S has 32 features, 3 groups.
    """

    arch: Literal["srfbn"] = "srfbn"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("steps", "range", "mean")
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the layers; m in the paper."""
    groups: Count = 6
    """Projections up, each with one down; G in the paper."""
    steps: int = Field(default=4, ge=1, le=32)
    """How often the block is used; T in the paper. Changes no weights."""
    range: Span = 255.0
    """What the network counts white as."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

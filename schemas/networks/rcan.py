"""Settings of `models/archs/rcan.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import Count, Level
from pairmill.schemas.networks.groups import GroupsBase


class RcanConfig(GroupsBase):
    """RCAN (Zhang et al. 2018): residual groups of residual blocks with channel attention."""

    arch: Literal["rcan"] = "rcan"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("residual_scale", "range", "mean")
    """See `NetworkBase.untold`."""
    groups: Count = 10
    """Residual groups."""
    blocks: Count = 20
    """Residual blocks per group, 20 as published (the default of BasicSR's class is 16)."""
    residual_scale: Level = 1.0
    """Factor of what a block adds; 1 if other tools shall read the checkpoint."""

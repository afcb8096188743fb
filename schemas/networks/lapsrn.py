"""Settings of `models/archs/lapsrn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.base import Grown
from pairmill.schemas.networks.base import Count, NetworkBase


class LapSrnConfig(NetworkBase, Grown):
    """LapSRN (Lai et al. 2017): a pyramid that doubles the size at each level and adds a residual
    there (progressive). MS-LapSRN (Lai et al. 2018) is `depth: 5, shared: true, recursions: 8`.
    """

    added: ClassVar[tuple[str, ...]] = ("recursions", "side")
    arch: Literal["lapsrn"] = "lapsrn"
    """Name of the network."""
    scales: ClassVar[tuple[int, ...]] = (2, 4, 8)
    """Scales that it is built for: powers of 2."""
    features: Count = 64
    """Channels between the convolutions."""
    depth: Count = 10
    """Convolutions per level; 10 as published at scales 2 and 4, 5 at 8."""
    shared: bool = False
    """Whether all levels use the same weights, as in its successor MS-LapSRN; then one network has
    2, 4 and 8 in it."""
    recursions: int = Field(default=0, ge=0, le=64)
    """How often a level applies its convolutions, adding each time what it began with, as
    MS-LapSRN; 0: once, and nothing is added, as LapSRN."""
    side: Literal[3, 4] = 4
    """Side of the filters that double the features: 4, or 3 as MS-LapSRN was published, which is
    half a pixel off."""

    def assumed(self) -> str:
        """See `NetworkBase`; that a level is applied again is shown, but not how often."""
        return f"recursions {self.recursions}" if self.recursions else ""

    def heads_at(self, scale: int) -> tuple[int, ...]:
        """See `NetworkBase`: a pyramid has all smaller scales in it."""
        return tuple(each for each in self.scales if each <= scale)

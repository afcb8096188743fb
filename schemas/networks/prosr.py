"""Settings of `models/archs/prosr.py`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.networks.base import Count, HeadsBase, Level, Span


class ProSrConfig(HeadsBase):
    """ProSR (Wang et al. 2018): dense blocks per doubling, the deepest at the size of the LR; a
    network of several scales grows while it is trained (progressive, dense).
    """

    arch: Literal["prosr"] = "prosr"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("residual_scale", "range")
    """See `NetworkBase.untold`."""
    scales: ClassVar[tuple[int, ...]] = (2, 4, 8)
    """Scales that it is built for: powers of 2."""
    features: Count = 160
    """Channels between the blocks."""
    growth: Count = 40
    """Channels that each layer of a block adds."""
    layers: int = Field(default=8, ge=1, le=64)
    """Layers of a block."""
    blocks: tuple[Count, Count, Count] = (9, 3, 1)
    """Blocks of the first, second and third doubling."""
    residual_scale: float = Field(default=0.2, gt=0, le=1)
    """Factor of what a block adds."""
    fading: tuple[Level, Level, Level, Level] = (0.12, 0.25, 0.45, 0.6)
    """Shares of training at which the second scale begins to be faded in and is all there, and the
    third."""
    range: Span = 255.0
    """What the network counts white as."""

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if list(self.fading) != sorted(set(self.fading)):
            raise ValueError(f"fading: shares that rise, got {list(self.fading)}")
        return self

    def active(self, scale: int, share: float) -> tuple[int, ...]:
        """See `NetworkBase`: the smallest alone, then those that are being faded in too."""
        return tuple(head for head in self.heads_at(scale) if self._fading(head)[0] <= share)

    def faded(self, head: int, share: float) -> float:
        """How far a scale is faded in after a share of training, in [0, 1]."""
        start, end = self._fading(head)
        if share >= end:
            return 1.0
        return max(0.0, (share - start) / (end - start))

    def _fading(self, head: int) -> tuple[float, float]:
        number = self.heads.index(head) if self.heads else 0
        shares = (0.0, 0.0, *self.fading)
        return shares[2 * number], shares[2 * number + 1]

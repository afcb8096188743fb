"""What a degrader is, and what it may draw on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.groups import RowGroups
from pairmill.schemas.noise_levels import NoiseWay, RawNoise
from pairmill.schemas.program import Program


@dataclass(frozen=True)
class PoolInfo:
    """All that a draw needs to know of a pool."""

    digest: str
    count: int
    side: int
    """Side of a kernel, a patch or a table, in pixels."""
    share: float = 1.0
    """Share of the real images that the items stand for."""
    groups: RowGroups | None = None
    """Which group of photographs each row comes from; none where there is one group, or rows come
    from all."""
    raw: tuple[RawNoise, ...] | None = None
    """Noise on the sensor of each group; of noise levels that were fitted for it."""
    ways: tuple[NoiseWay, ...] | None = None
    """How the noise of each group is made; of a noise choice."""
    codec: bool = False
    """Whether what it draws is to be compressed last; of a PDM that started measured."""

    @classmethod
    def of(cls, ref: PoolRef) -> Self:
        """What a draw needs to know of a sealed pool."""
        shape = ref.digest, ref.count, ref.side
        return cls(
            *shape,
            share=ref.share,
            groups=ref.groups,
            raw=ref.raw,
            ways=ref.ways,
            codec=ref.codec,
        )


Pools = dict[str, PoolInfo]
"""The pools at hand, by kind; none of a kind that is not there, or that is empty."""


class Degrader(Protocol):
    """A distribution over programs."""

    def __init__(self, config: Any, scale: int, pools: Pools) -> None:
        """Check that the degrader can work with this."""

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """One program for an HR tile of (rows, columns); all that is random is drawn here."""


class OwnHr(Degrader, Protocol):
    """A degrader whose LR belongs to HR of its own (`DegraderBase.own_hr`): a tile says what its
    program is.
    """

    def program(self, row: int) -> Program:
        """The program of the HR tile of a row of its pool."""

"""One sample, one group of photographs: kernel, noise and compression of the same camera.

Where there is one group, or none is known, nothing is drawn and all rows may be taken: programs are
what they were before there were groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pairmill.pipeline.degraders.base import PoolInfo
from pairmill.pipeline.degraders.sampling import weighted_index
from pairmill.pipeline.noise.inject import Crop, draw_crops, with_others
from pairmill.pipeline.rng import pick
from pairmill.schemas.groups import RowGroups
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, PooledBlur


@dataclass(frozen=True)
class Rows:
    """The rows of a pool that one group draws from."""

    pool: PoolInfo
    numbers: tuple[int, ...] | None
    """None: all rows of the pool."""
    share: float
    """Share of the photographs that they stand for."""

    @property
    def count(self) -> int:
        """How many they are."""
        return self.pool.count if self.numbers is None else len(self.numbers)

    def row(self, place: int) -> int:
        """The row of the pool at a place among these."""
        return place if self.numbers is None else self.numbers[place]

    def draw(self, rng: np.random.Generator) -> int:
        """One of the rows, all as likely."""
        return self.row(pick(rng, self.count))

    def blur(self, rng: np.random.Generator) -> PooledBlur:
        """A kernel."""
        return PooledBlur(pool=self.pool.digest, index=self.draw(rng))

    def inject(
        self, rng: np.random.Generator, lr_shape: tuple[int, int], strength: tuple[float, float]
    ) -> Inject:
        """Crops of patches that cover an LR tile, with a common strength of [least, largest]."""
        drawn = _between(rng, strength)
        crops = self._own(draw_crops(rng, lr_shape, self.pool.side, self.count))
        return Inject.model_validate(
            {"pool": self.pool.digest, "strength": drawn, "placements": crops}
        )

    def inject_by_level(
        self,
        rng: np.random.Generator,
        lr_shape: tuple[int, int],
        strength: tuple[float, float],
        levels: PoolInfo,
    ) -> InjectByLevel:
        """The same, with the gains of all patches, and other patches for each crop."""
        drawn = _between(rng, strength)
        crops = draw_crops(rng, lr_shape, self.pool.side, self.count)
        others = [
            {**crop, "others": tuple(map(self.row, crop["others"]))}
            for crop in self._own(with_others(rng, crops, self.count))
        ]
        return InjectByLevel.model_validate(
            {
                "pool": self.pool.digest,
                "levels": levels.digest,
                "strength": drawn,
                "placements": others,
            }
        )

    def _own(self, crops: Sequence[Crop]) -> list[Crop]:
        """Crops of patches at places among these rows as crops of rows of the pool."""
        return [{**crop, "index": self.row(crop["index"])} for crop in crops]


def _between(rng: np.random.Generator, strength: tuple[float, float]) -> float:
    low, high = strength
    return round(low + (high - low) * float(rng.random()), 4)


class OneGroup:
    """Draws the group of a sample, in proportion to its photographs.

    A group takes part if it has rows of at least one of the pools that the degrader cannot do
    without; of a pool in which it has none it draws from all rows.
    """

    def __init__(self, *needed: PoolInfo) -> None:
        known = [pool.groups for pool in needed if pool.groups is not None]
        self.groups: list[int] = []
        self.weights: list[int] = []
        if known:
            taking = taking_part(known)
            self.groups, self.weights = list(taking), list(taking.values())

    def draw(self, rng: np.random.Generator) -> int | None:
        """Number of a group; none where there are no groups. Nothing is drawn where there is no
        choice.
        """
        if len(self.groups) <= 1:
            return self.groups[0] if self.groups else None
        return self.groups[weighted_index(rng, self.weights)]


def taking_part(pools: Sequence[RowGroups]) -> dict[int, int]:
    """Groups that have a row in one of the pools, and how many photographs they have."""
    present = sorted({group for pool in pools for group in pool.rows})
    return {group: pools[0].photographs[group] for group in present}


def rows_of(pool: PoolInfo, *, borrow: bool = True) -> dict[int | None, Rows]:
    """What each group draws from a pool; under None what is drawn without a group.

    Args:
        pool: The pool.
        borrow: Whether a group without rows draws from all; if not, it has none to draw.
    """
    whole = Rows(pool, None, pool.share)
    if pool.groups is None:
        return _Everywhere({None: whole})
    numbers: list[list[int]] = [[] for _ in pool.groups.photographs]
    for row, group in enumerate(pool.groups.rows):
        numbers[group].append(row)
    shares = pool.groups.shares or (1.0,) * len(numbers)
    found: dict[int | None, Rows] = {None: whole}
    for number, (rows, share) in enumerate(zip(numbers, shares, strict=True)):
        own = Rows(pool, tuple(rows), share)
        found[number] = replace(whole, share=1.0) if borrow and not rows else own
    return found


class _Everywhere(dict[int | None, Rows]):
    """The whole pool for every group: its rows are of no group."""

    def __missing__(self, group: int | None) -> Rows:
        return self[None]

"""Items of one pool in memory, sealed or standing in for those that a build will make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import pool_digest
from pairmill.pipeline.degraders.base import PoolInfo
from pairmill.schemas.groups import RowGroups
from pairmill.schemas.noise_levels import NoiseWay, RawNoise
from pairmill.schemas.recipe import Recipe


@dataclass(frozen=True, eq=False)
class PoolItems:
    """Items of one pool."""

    kind: str
    digest: str
    items: NDArray[Any]
    sealed: bool
    note: str
    """Where they come from, in a sentence or two."""
    per_pixel: float = 0.0
    """Seconds per source pixel that making them took; 0 if it was not measured."""
    share: float = 1.0
    """Share of the real images that the items stand for."""
    groups: RowGroups | None = None
    """Which group of photographs each item comes from; none where there is one, or it is a
    placeholder."""
    raw: tuple[RawNoise, ...] | None = None
    """Noise on the sensor of each group; of noise levels that were fitted for it."""
    ways: tuple[NoiseWay, ...] | None = None
    """How the noise of each group is made; of a noise choice."""
    warning: str = ""
    """What a build of these images may stumble over; empty if nothing was seen."""

    @property
    def info(self) -> PoolInfo:
        """What a draw needs to know."""
        shape = self.digest, len(self.items), self.items.shape[1]
        return PoolInfo(*shape, share=self.share, groups=self.groups, raw=self.raw, ways=self.ways)


def placeholder(
    kind: str, items: NDArray[Any], note: str, per_pixel: float = 0.0, share: float = 1.0
) -> PoolItems:
    """Items that stand in for a pool that is not sealed; pages call them a placeholder."""
    said = f"Placeholder: {note}"
    return PoolItems(kind, pool_digest(items), items, False, said, per_pixel, share)


class SampleImage(Protocol):
    """A decoded image that items can be mined from in a moment."""

    @property
    def name(self) -> str:
        """File name."""

    @property
    def url(self) -> str:
        """Where it lies."""

    @property
    def container(self) -> str:
        """Format of the file."""

    @property
    def source(self) -> NDArray[np.uint8]:
        """(H, W, 3)."""

    @property
    def pixels(self) -> int:
        """Number of its pixels."""


@dataclass(frozen=True)
class Placing:
    """What placeholders are made from."""

    recipe: Recipe
    images: Sequence[SampleImage]
    """A few of the real images, or of the clean ones if there are no others."""
    found: Mapping[str, PoolItems]
    """Items of other kinds that are there already, sealed or not."""


WINDOW = 2048
"""Side of the part of an image that placeholders are mined from, in pixels."""


def middle(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of an image; its corner keeps the phase of 8 x 8 blocks."""
    top, left = (max(0, (side - WINDOW) // 2) // 8 * 8 for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + WINDOW, left : left + WINDOW])

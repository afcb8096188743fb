"""Noise against level: how strong the noise of a camera is where its photographs are dark, and
where they are bright, per channel.

The noise of a block is what second differences both ways leave of it (Immerkaer, CVIU 1996), which
is blind to shading and to edges along an axis. Of all blocks of a level, those of all photographs
together, the flattest are taken, a tenth at most, and of these the median, so that texture and
single odd photographs count little. Levels at which pixels are clipped are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.noise_floor import ROUNDING

Floats = NDArray[np.float32]

BLOCK = 16
"""Side of a block, in pixels."""
BINS = 8
"""Levels that are told apart, of equal width from 0 to 256."""
SHARE = 0.1
"""Share of the blocks of a level that is taken for flat."""
MOST = 40
"""Flat blocks that are enough: more of them would be less flat where there is fine texture
everywhere, and forty know the noise to 1 %."""
FEWEST = 8
"""Flat blocks that a level must have to say something; of fewer than ten times as many blocks it
takes as many."""
FEWEST_IN_ALL = 20
"""Blocks of any kind that it must have, for something to be the flattest of."""
MEDIAN = 1 - 2 / 9 / 100
"""Median of the variance of a block over its mean: about 100 of its pixels are independent under
the mask (Wilson and Hilferty's approximation of chi squared)."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of one photograph; those with clipped pixels in a channel are not of it."""

    level: Floats
    """(n, 3): mean of each channel, R, G, B, in intensity levels; NaN where it is clipped."""
    noise: Floats
    """(n, 3): variance of the residual, in squared intensity levels."""
    texture: Floats
    """(n,): variance of the block, the mean over its channels."""


@dataclass(frozen=True)
class LevelNoise:
    """The noise of one channel at one level."""

    level: float
    """Mean of its flat blocks, in intensity levels, 0 to 255."""
    std: float
    """Standard deviation of the noise before rounding, in intensity levels."""
    blocks: int
    """Flat blocks that it was measured on."""


def blocks_of(image: NDArray[np.uint8]) -> Blocks:
    """Measure every block of an (H, W, 3) uint8 RGB image; fewer than 18 pixels a side give
    none.
    """
    rows, columns = (max(0, (length - 2) // BLOCK) for length in image.shape[:2])
    if rows * columns == 0:
        none = np.zeros((0, 3), np.float32)
        return Blocks(none, none, none[:, 0])
    # With a pixel around all blocks, which the mask of the outer ones reaches to.
    part = image[: rows * BLOCK + 2, : columns * BLOCK + 2]
    level, noise, texture = [], [], []
    for channel in range(3):
        plane = part[:, :, channel].astype(np.float32)
        inner = _cut(plane[1:-1, 1:-1])
        mean = inner.mean((1, 3))
        clipped = ((inner <= 0) | (inner >= 255)).any((1, 3))
        texture.append(np.square(inner - mean[:, None, :, None]).mean((1, 3)).ravel())
        noise.append(np.square(_cut(_second_differences(plane))).mean((1, 3)).ravel())
        level.append(np.where(clipped, np.nan, mean).ravel())
    return Blocks(np.stack(level, 1), np.stack(noise, 1), np.mean(texture, 0, dtype=np.float32))


def _cut(plane: Floats) -> Floats:
    """(rows, BLOCK, columns, BLOCK)."""
    height, width = (length // BLOCK for length in plane.shape)
    return plane.reshape(height, BLOCK, width, BLOCK)


def _second_differences(plane: Floats) -> Floats:
    """(H - 2, W - 2): white noise keeps its variance, for the squares of the mask sum to 36."""
    rows = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    return np.asarray((rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) / 6)


def noise_by_level(
    photographs: Sequence[Blocks],
) -> tuple[tuple[LevelNoise, ...], tuple[LevelNoise, ...], tuple[LevelNoise, ...]]:
    """Noise against level for R, G and B, by rising level; levels with too few blocks are left
    out.

    JPEG removes noise where it is weaker than its steps: of compressed photographs this is what is
    left of it.

    Args:
        photographs: of one camera.
    """
    counts = [len(one.texture) for one in photographs]
    whose = np.repeat(np.arange(len(counts)), counts)
    texture = np.concatenate([np.zeros(0, np.float32), *(one.texture for one in photographs)])
    level, noise = (
        np.concatenate([np.zeros((0, 3), np.float32), *parts])
        for parts in ([one.level for one in photographs], [one.noise for one in photographs])
    )
    red, green, blue = (_channel(level[:, c], noise[:, c], texture, whose) for c in range(3))
    return red, green, blue


def _channel(
    level: Floats, noise: Floats, texture: Floats, whose: NDArray[np.intp]
) -> tuple[LevelNoise, ...]:
    found = []
    for number in range(BINS):
        low, high = (256 / BINS * end for end in (number, number + 1))
        # No sensor sees the same 256 times: what has no variance at all was painted.
        inside = np.flatnonzero((level >= low) & (level < high) & (texture > 0))
        if len(inside) < FEWEST_IN_ALL:
            continue
        flat = _flattest(inside[np.argsort(texture[inside], kind="stable")], whose)
        variance = float(np.median(noise[flat])) / MEDIAN
        std = max(variance - ROUNDING, 0.0) ** 0.5
        found.append(LevelNoise(float(level[flat].mean(dtype=np.float64)), std, len(flat)))
    return tuple(found)


def _flattest(ascending: NDArray[np.intp], whose: NDArray[np.intp]) -> NDArray[np.intp]:
    """The flattest blocks of a level, of no photograph more than twice its share."""
    wanted = min(max(FEWEST, int(SHARE * len(ascending))), MOST)
    owners = whose[ascending]
    _, first, counts = np.unique(np.sort(owners), return_index=True, return_counts=True)
    grouped = np.argsort(owners, kind="stable")
    rank = np.empty(len(owners), int)  # among the blocks of its photograph
    rank[grouped] = np.arange(len(owners)) - np.repeat(first, counts)
    return ascending[rank < -(-2 * wanted // len(counts))][:wanted]

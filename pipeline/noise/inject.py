"""Covering an LR tile with crops of noise patches: drawn first, then laid out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.rng import pick
from schemas.ops.pooled import Inject, Placement

OVERLAP = 8
"""Pixels over which neighbouring crops are cross-faded."""
RAMP = np.round(np.sin(0.5 * np.pi * (np.arange(OVERLAP) + 0.5) / OVERLAP) * 65536) / 65536
"""Weights of the overlap; on a grid, because processors differ in the last bit of a sine."""
PHASE = 8
"""Crops start at multiples of this, so that noise of JPEG blocks stays in phase."""


def draw_placements(
    rng: np.random.Generator, shape: tuple[int, int], patch: int, count: int
) -> tuple[Placement, ...]:
    """Crops of random patches that cover an LR tile of `shape`, each flipped at random in both directions.

    Args:
        rng: Stream that the choices come from.
        shape: (rows, columns) of the LR tile.
        patch: Side of the pool's patches, in pixels.
        count: Patches in the pool.
    """
    rows, columns = cover(shape[0], patch), cover(shape[1], patch)
    return tuple(
        Placement(
            index=pick(rng, count),
            patch_top=PHASE * pick(rng, (patch - height) // PHASE + 1),
            patch_left=PHASE * pick(rng, (patch - width) // PHASE + 1),
            flip_rows=pick(rng, 2) == 1,
            flip_columns=pick(rng, 2) == 1,
            top=top,
            left=left,
            height=height,
            width=width,
        )
        for top, height in rows
        for left, width in columns
    )


def cover(length: int, patch: int) -> list[tuple[int, int]]:
    """Intervals (start, length) of at most `patch` pixels that cover `length` with overlaps of `OVERLAP`."""
    step = patch - OVERLAP
    starts = range(0, max(1, length - OVERLAP), step)
    return [(start, min(patch, length - start)) for start in starts]


def add_noise(image: NDArray[np.float64], op: Inject, patch: Callable[[int], NDArray[np.float32]]) -> None:
    """Add the noise of `op` to an LR tile, in place.

    Each crop is made zero-mean per channel over the crop itself. Where crops overlap their weights are sines and cosines
    of one angle, whose squares sum to 1: independent noise keeps its variance across the seam.

    Args:
        image: (rows, columns, 3), in grey levels.
        op: What to add.
        patch: Gives a patch of the pool by its row, (p, p, 3), in grey levels.
    """
    for place in op.placements:
        crop = _crop(place, patch(place.index))
        crop *= op.strength
        _fade(crop, place.top, image.shape[0])
        _fade(crop.transpose(1, 0, 2), place.left, image.shape[1])
        image[place.top : place.top + place.height, place.left : place.left + place.width] += crop


def _crop(place: Placement, patch: NDArray[np.float32]) -> NDArray[np.float64]:
    crop = patch[place.patch_top : place.patch_top + place.height, place.patch_left : place.patch_left + place.width]
    # Residuals are multiples of 2**-8: their sums are exact in any order.
    mean = crop.sum(axis=0, dtype=np.float64).sum(axis=0) / (place.height * place.width)
    flipped = crop[:: -1 if place.flip_rows else 1, :: -1 if place.flip_columns else 1]
    return np.asarray(np.subtract(flipped, mean, dtype=np.float64))


def _fade(crop: NDArray[np.float64], start: int, whole: int) -> None:
    """Scale the rows of a crop in place: rising over the overlap before it, falling over the overlap after it."""
    if start > 0:
        crop[:OVERLAP] *= RAMP[: len(crop), None, None]
    if start + len(crop) < whole:
        crop[-OVERLAP:] *= RAMP[::-1, None, None]

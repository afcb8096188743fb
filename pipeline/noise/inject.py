"""Covering an LR tile with crops of noise patches: drawn first, then laid out."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.rng import pick
from schemas.program import Inject, Placement

OVERLAP = 8
"""Pixels over which neighbouring crops are cross-faded."""
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


def field(op: Inject, shape: tuple[int, int], patch: Callable[[int], NDArray[np.float32]]) -> NDArray[np.float64]:
    """The noise that `op` adds to an LR tile.

    Each crop is made zero-mean per channel over the crop itself. Where crops overlap their weights are sines and cosines
    of one angle, whose squares sum to 1: independent noise keeps its variance across the seam.

    Args:
        op: What to add.
        shape: (rows, columns) of the tile.
        patch: Gives a patch of the pool by its row, (p, p, 3), in grey levels.

    Returns:
        (rows, columns, 3) float64, in grey levels.
    """
    noise = np.zeros((*shape, 3))
    for place in op.placements:
        weight = _fade(place.top, place.height, shape[0])[:, None] * _fade(place.left, place.width, shape[1])[None]
        region = noise[place.top : place.top + place.height, place.left : place.left + place.width]
        region += weight[..., None] * _crop(place, patch(place.index))
    return noise * op.strength


def _crop(place: Placement, patch: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = slice(place.patch_top, place.patch_top + place.height)
    columns = slice(place.patch_left, place.patch_left + place.width)
    crop = patch[rows, columns].astype(np.float64)
    crop = crop[:: -1 if place.flip_rows else 1, :: -1 if place.flip_columns else 1]
    return np.asarray(crop - crop.mean(axis=(0, 1)))


@lru_cache(maxsize=256)
def _fade(start: int, length: int, whole: int) -> NDArray[np.float64]:
    """Weights of an interval: rising over the overlap before it, falling over the overlap after it."""
    weight = np.ones(length)
    ramp = np.sin(0.5 * np.pi * (np.arange(OVERLAP) + 0.5) / OVERLAP)
    ramp = np.round(ramp * 65536) / 65536            # processors differ in the last bit of a sine
    if start > 0:
        weight[:OVERLAP] = ramp[: min(OVERLAP, length)]
    if start + length < whole:
        weight[-OVERLAP:] = ramp[::-1]
    return weight

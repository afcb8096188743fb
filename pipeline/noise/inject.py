"""Covering an LR tile with crops of noise patches: drawn first, then laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.rng import picks
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, NearPlacement, Placement

OVERLAP = 8
"""Pixels over which neighbouring crops are cross-faded."""
RAMP = np.round(np.sin(0.5 * np.pi * (np.arange(OVERLAP) + 0.5) / OVERLAP) * 65536) / 65536
"""Weights of the overlap; on a grid, because processors differ in the last bit of a sine."""
FLIPS = {(False, False): None, (True, False): 0, (False, True): 1, (True, True): -1}
"""Which flips of rows and columns, as OpenCV's codes."""
LEVELS = 256
"""Gains of a patch are given at so many levels; after them comes the level it was mined at."""
OTHERS = 2
"""Patches that one may be exchanged for, where their levels are nearer to that of the LR."""
PHASE = 8
"""Crops start at multiples of this, so that noise of JPEG blocks stays in phase."""


Crop = dict[str, Any]
"""Fields of a `Placement`, or of a `NearPlacement`: an op checks all of its crops at once, in half
of the time that they take one by one."""


@dataclass(frozen=True, eq=False)
class Gains:
    """What `by_level` knows of a patch, made ready."""

    table: NDArray[np.float32]
    """(1, 256, 3): what R, G and B are multiplied by, by level."""
    level: tuple[int, ...]
    """The level that it was mined at, of R, G and B."""

    @classmethod
    def of(cls, row: NDArray[np.float32]) -> Self:
        """Of a row of the pool, (3, 257)."""
        table = np.ascontiguousarray(row[:, :LEVELS].T)[None]
        return cls(table, tuple(map(round, row[:, LEVELS].tolist())))


def draw_crops(
    rng: np.random.Generator, shape: tuple[int, int], patch: int, count: int
) -> list[Crop]:
    """Crops of random patches that cover an LR tile of `shape`, each flipped at random in both
    directions.

    Args:
        rng: Stream that the choices come from.
        shape: (rows, columns) of the LR tile.
        patch: Side of the pool's patches, in pixels.
        count: Patches in the pool.
    """
    places, starts = _places(shape, patch)
    choices = [choice for rows, columns in starts for choice in (count, rows, columns, 2, 2)]
    drawn = iter(picks(rng, choices))
    return [
        {
            "index": next(drawn),
            "patch_top": PHASE * next(drawn),
            "patch_left": PHASE * next(drawn),
            "flip_rows": next(drawn) == 1,
            "flip_columns": next(drawn) == 1,
            **place,
        }
        for place in places
    ]


def with_others(rng: np.random.Generator, crops: Sequence[Crop], count: int) -> list[Crop]:
    """The same crops, each with `OTHERS` more patches of `count` to choose from."""
    drawn = iter(picks(rng, [count] * (OTHERS * len(crops))))
    return [{**crop, "others": tuple(next(drawn) for _ in range(OTHERS))} for crop in crops]


@lru_cache(maxsize=16)
def _places(
    shape: tuple[int, int], patch: int
) -> tuple[list[dict[str, int]], list[tuple[int, int]]]:
    """Where the crops of an LR tile go, and how many rows and columns of a patch each may start
    at.
    """
    crops = [(*row, *column) for row in cover(shape[0], patch) for column in cover(shape[1], patch)]
    names = ("top", "height", "left", "width")
    starts = [
        ((patch - height) // PHASE + 1, (patch - width) // PHASE + 1)
        for _, height, _, width in crops
    ]
    return [dict(zip(names, crop, strict=True)) for crop in crops], starts


def cover(length: int, patch: int) -> list[tuple[int, int]]:
    """Intervals (start, length) of at most `patch` pixels that cover `length` with overlaps of
    `OVERLAP`.
    """
    step = patch - OVERLAP
    # Another crop only where it would bring more than its overlap.
    starts = range(0, max(1, length - OVERLAP), step)
    return [(start, min(patch, length - start)) for start in starts]


def noise_field(
    shape: tuple[int, int], op: Inject, patch: Callable[[int], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The noise of `op` for an LR tile.

    Patches are zero-mean as mined. Where crops overlap their weights are sines and cosines of one
    angle, whose squares sum to 1: independent noise keeps its variance across the seam. Single
    products and sums only: IEEE 754 fixes each.

    Args:
        shape: (rows, columns) of the tile.
        op: What to add.
        patch: Gives a patch of the pool by its row, (p, p, 3), in intensity levels.

    Returns:
        (rows, columns, 3), in intensity levels.
    """
    crops = (_crop(place, patch(place.index)) for place in op.placements)
    return _field(shape, op.placements, op.strength, crops)


def _field(
    shape: tuple[int, int],
    placements: Sequence[Placement],
    strength: float,
    crops: Iterable[NDArray[np.float32]],
) -> NDArray[np.float32]:
    field = np.zeros((shape[0], shape[1] * 3), np.float32)
    for place, crop in zip(placements, crops, strict=True):
        bottom, right = place.top + place.height, place.left + place.width
        np.multiply(crop, crop_weights(place, shape), out=crop)
        field[place.top : bottom, 3 * place.left : 3 * right] += crop
    field *= np.float32(strength)
    return field.reshape(*shape, 3)


def by_level(
    image: NDArray[np.uint8],
    op: InjectByLevel,
    patch: Callable[[int], NDArray[np.float32]],
    gains: Callable[[int], Gains],
) -> NDArray[np.float32]:
    """The noise of `op` for an LR tile, (rows, columns, 3), in intensity levels.

    Args:
        image: The LR without noise, (rows, columns, 3) uint8.
        op: What to add.
        patch: Gives a patch of the pool by its row, (p, p, 3), in intensity levels.
        gains: Gives those of a patch by its row.
    """

    def crop_of(place: NearPlacement) -> NDArray[np.float32]:
        under = image[place.top : place.top + place.height, place.left : place.left + place.width]
        row, own = _nearest(under, (place.index, *place.others), gains)
        crop = _crop(place, patch(row))
        crop *= np.asarray(cv2.LUT(under, own.table)).reshape(crop.shape)
        return crop

    shape = image.shape[0], image.shape[1]
    return _field(shape, op.placements, op.strength, map(crop_of, op.placements))


def _nearest(
    under: NDArray[np.uint8], rows: Sequence[int], gains: Callable[[int], Gains]
) -> tuple[int, Gains]:
    """The row of the patch whose level is nearest, and what is known of it; of equals, the
    first.
    """
    # Sums of whole numbers, so that no processor decides otherwise.
    (red, green, blue, _), pixels = cv2.sumElems(under), under.size // 3

    def away(found: tuple[int, Gains]) -> float:
        r, g, b = found[1].level
        return abs(red - r * pixels) + abs(green - g * pixels) + abs(blue - b * pixels)

    return min(((row, gains(row)) for row in rows), key=away)


def _crop(place: Placement, patch: NDArray[np.float32]) -> NDArray[np.float32]:
    """The crop, flipped, as (height, 3 width)."""
    crop = patch[
        place.patch_top : place.patch_top + place.height,
        place.patch_left : place.patch_left + place.width,
    ]
    flip = FLIPS[place.flip_rows, place.flip_columns]
    turned = crop.copy() if flip is None else cv2.flip(crop, flip)
    return turned.reshape(place.height, 3 * place.width)


def crop_weights(place: Placement, shape: tuple[int, int]) -> NDArray[np.float32]:
    """What a crop of an LR of `shape` is multiplied by where it overlaps others, (height,
    3 width).
    """
    return _weights(
        place.height,
        place.width,
        place.top > 0,
        place.top + place.height < shape[0],
        place.left > 0,
        place.left + place.width < shape[1],
    )


@lru_cache(maxsize=256)
def _weights(
    height: int, width: int, above: bool, below: bool, before: bool, after: bool
) -> NDArray[np.float32]:
    """Weights of a crop with neighbours on these sides, (height, 3 width)."""
    rows, columns = _ramps(height, above, below), _ramps(width, before, after)
    return np.repeat(rows[:, None] * columns, 3, axis=1).astype(np.float32)


def _ramps(length: int, before: bool, after: bool) -> NDArray[np.float64]:
    weights = np.ones(length)
    if before:
        weights[:OVERLAP] *= RAMP[:length]
    if after:
        weights[-OVERLAP:] *= RAMP[::-1]
    return weights

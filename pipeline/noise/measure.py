"""Statistics of all grid patches of an image, from sums over small cells."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.noise.residual import detrend

STRIP = 1 << 18
"""Pixels that are measured at once: what the processor's cache holds is measured faster."""
Plane = NDArray[np.float64]
Cells = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Survey:
    """Grey statistics of the grid patches of one image; arrays are (n,), row-major over the grid,
    but for `cells`.
    """

    patch: int
    """Side of a patch, in pixels."""
    columns: int
    """Patches in one row of the grid."""
    mean: Plane
    """Mean, in intensity levels."""
    variance: Plane
    """Population variance, in squared intensity levels."""
    noise: Plane
    """Unbiased variance inside cells, in squared intensity levels: slow shading does not count."""
    blank: Plane
    """Fraction of cells with less than a tenth of that."""
    clipped: Plane
    """Fraction of pixels with a channel at 0 or 255, to 1/255 per cell."""
    structure: Plane
    """Variance of the detrended cell means over what white noise of the same `noise` would give; 1
    for white noise."""
    inconsistency: Plane
    """Relative spread of the variances of sub-blocks over what white noise would give; 1 for white
    noise."""
    cells: tuple[Cells, Cells, Cells]
    """(rows, columns) of all cells: means, unbiased variances, fractions of clipped pixels."""


def survey(image: NDArray[np.uint8], patch: int) -> Survey:
    """Measure every patch whose corner lies at multiples of `patch`.

    Args:
        image: (H, W, 3) uint8 RGB; smaller than a patch gives an empty survey.
        patch: Side of a patch, in pixels, a multiple of 8.
    """
    side = cell_side(patch)
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    if rows * columns == 0:
        none, cells = np.zeros(0), np.zeros((0, 0), np.float32)
        return Survey(
            patch, columns, none, none, none, none, none, none, none, (cells, cells, cells)
        )
    mean, square, clipped = _cells(image[: rows * patch, : columns * patch], side)
    variance = np.maximum(square - mean * mean, 0) * np.float32(side * side / (side * side - 1))
    per = patch // side
    means, squares, inside, lost = (
        tiles(plane, per).astype(float) for plane in (mean, square, variance, clipped)
    )
    level, noise = means.mean(axis=(1, 2)), inside.mean(axis=(1, 2))
    return Survey(
        patch=patch,
        columns=columns,
        mean=level + 128,
        variance=np.maximum(squares.mean(axis=(1, 2)) - level * level, 0),
        noise=noise,
        blank=(inside < 0.1 * noise[:, None, None]).mean(axis=(1, 2)),
        clipped=lost.mean(axis=(1, 2)),
        structure=_structure(means, noise, side),
        inconsistency=_inconsistency(inside, side),
        cells=(mean + np.float32(128), variance, clipped),
    )


def cell_side(patch: int) -> int:
    """Side of the cells of a patch, in pixels: 8, the block of JPEG, or 4 in patches below 64."""
    return 8 if patch >= 64 else 4


def tiles(plane: Cells, per: int) -> Cells:
    """Cells (rows, columns) as patches (n, per, per)."""
    rows, columns = plane.shape[0] // per, plane.shape[1] // per
    return np.swapaxes(plane.reshape(rows, per, columns, per), 1, 2).reshape(-1, per, per)


def _cells(image: NDArray[np.uint8], side: int) -> tuple[Cells, Cells, Cells]:
    """`_moments` and `_clipped` of an image whose sides are multiples of a cell."""
    height = max(1, STRIP // image.shape[1] // side) * side
    strips = [image[top : top + height] for top in range(0, len(image), height)]
    measured = [(*_moments(strip, side), _clipped(strip, side)) for strip in strips]
    mean, square, clipped = (np.concatenate(planes) for planes in zip(*measured, strict=True))
    return mean, square, clipped


def _moments(image: NDArray[np.uint8], side: int) -> tuple[Cells, Cells]:
    """Means of g - 128 and of its square over cells, g the intensity level.

    Sums are of integers below 2^24 and the divisor is a power of two: float32 holds them exactly,
    in any order.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sums = _sums(grey, side, np.uint16)
    squares = _sums(np.square(grey, dtype=np.uint16), side, np.uint32)
    # (g - 128)^2 = g^2 - 256 g + 2^14; centred, so that a float32 mean of squares keeps its digits.
    area = side * side
    return sums / np.float32(area) - np.float32(128), (
        squares - 256 * sums + np.float32(area << 14)
    ) / np.float32(area)


def _sums(plane: NDArray[np.unsignedinteger], side: int, kind: type[np.unsignedinteger]) -> Cells:
    """Sums over cells; those over the rows of a cell fit into `kind`."""
    rows = plane.reshape(-1, side, plane.shape[1]).sum(axis=1, dtype=kind).astype(np.float32)
    return np.asarray(rows.reshape(len(rows), -1, side) @ np.ones(side, np.float32))


def _clipped(image: NDArray[np.uint8], side: int) -> Cells:
    """Fractions of the pixels of cells with a channel at 0 or 255, to 1/255."""
    red, green, blue = cv2.split(image)
    low, high = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    size = image.shape[1] // side, image.shape[0] // side
    if low.min() > 0 and high.max() < 255:
        return np.zeros(size[::-1], np.float32)
    # Plane by plane: OpenCV has no fast `inRange` for three channels.
    inner = cv2.inRange(low, (1,), (255,)) & cv2.inRange(high, (0,), (254,))
    kept = cv2.resize(inner, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray((255 - kept) / 255, np.float32)


def _structure(means: Plane, noise: Plane, side: int) -> Plane:
    per = means.shape[-1]
    order = 1 if per < 8 else 2
    rest = detrend(means, order)
    between = (rest * rest).sum(axis=(1, 2)) / (per * per - (order + 1) ** 2)
    return np.asarray(between * side * side / np.maximum(noise, 1e-9))


def _inconsistency(inside: Plane, side: int) -> Plane:
    """Spread of sub-block variances; sub-blocks have about 16 pixels, or a quarter of a small
    patch.
    """
    per = inside.shape[-1]
    group = 2 if per % 2 == 0 and per >= 8 else 1
    blocks = inside.reshape(len(inside), per // group, group, per // group, group).mean(axis=(2, 4))
    spread = blocks.std(axis=(1, 2), ddof=1) / np.maximum(blocks.mean(axis=(1, 2)), 1e-9)
    return np.asarray(spread / np.sqrt(2 / (group * group * (side * side - 1))))

"""Statistics of all grid patches of an image, from sums over small cells."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.noise.residual import detrend

Plane = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Survey:
    """Grey statistics of the grid patches of one image; every array is (n,), row-major over the grid."""

    patch: int
    """Side of a patch, in pixels."""
    columns: int
    """Patches in one row of the grid."""
    mean: Plane
    """Mean, in grey levels."""
    variance: Plane
    """Population variance, in squared grey levels."""
    within: Plane
    """Unbiased variance inside cells, in squared grey levels: noise without slow shading."""
    structure: Plane
    """Variance of the detrended cell means over what white noise of strength `within` would give; 1 for white noise."""
    inconsistency: Plane
    """Relative spread of the variances of sub-blocks over what white noise would give; 1 for white noise."""
    cell_mean: NDArray[np.float32]
    """(rows, columns) means of all cells."""
    cell_variance: NDArray[np.float32]
    """(rows, columns) unbiased variances inside the cells."""


def survey(image: NDArray[np.uint8], patch: int) -> Survey:
    """Measure every patch whose corner lies at multiples of `patch`.

    Args:
        image: (H, W, 3) uint8 RGB; smaller than a patch gives an empty survey.
        patch: Side of a patch, in pixels, a multiple of 8.
    """
    side = cell_side(patch)
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    per = patch // side
    if rows * columns == 0:
        none, cells = np.zeros(0), np.zeros((0, 0), np.float32)
        return Survey(patch, columns, none, none, none, none, none, cells, cells)
    mean, square = _cell_moments(image[: rows * patch, : columns * patch], side)
    variance = np.maximum(square - mean * mean, 0) * (side * side / (side * side - 1))
    means, squares, inside = (tiles(plane, per).astype(np.float64) for plane in (mean, square, variance))
    level = means.mean(axis=(1, 2))
    within = inside.mean(axis=(1, 2))
    return Survey(
        patch=patch,
        columns=columns,
        mean=level + 128,
        variance=np.maximum(squares.mean(axis=(1, 2)) - level * level, 0),
        within=within,
        structure=_structure(means, within, side),
        inconsistency=_inconsistency(inside, side),
        cell_mean=mean + np.float32(128),
        cell_variance=variance,
    )


def cell_side(patch: int) -> int:
    """Side of the cells of a patch, in pixels: 8, the block of JPEG, or 4 in patches below 64."""
    return 8 if patch >= 64 else 4


def tiles(plane: NDArray[np.float32], per: int) -> NDArray[np.float32]:
    """Cells (rows, columns) as patches (n, per, per)."""
    rows, columns = plane.shape[0] // per, plane.shape[1] // per
    return np.swapaxes(plane.reshape(rows, per, columns, per), 1, 2).reshape(-1, per, per)


def _cell_moments(image: NDArray[np.uint8], side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means of g - 128 and of its square over cells, g the grey level.

    Sums are of integers below 2^24 and the divisor is a power of two: float32 holds them exactly, in any order of summation.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey -= np.float32(128)
    size = (grey.shape[1] // side, grey.shape[0] // side)
    mean = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    np.multiply(grey, grey, out=grey)
    return np.asarray(mean), np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


def _structure(means: Plane, within: Plane, side: int) -> Plane:
    per = means.shape[-1]
    order = 1 if per < 8 else 2
    rest = detrend(means, order)
    between = (rest * rest).sum(axis=(1, 2)) / (per * per - (order + 1) ** 2)
    return np.asarray(between * side * side / np.maximum(within, 1e-9))


def _inconsistency(inside: Plane, side: int) -> Plane:
    """Spread of sub-block variances; sub-blocks have about 16 pixels, or a quarter of a small patch."""
    per = inside.shape[-1]
    group = 2 if per % 2 == 0 and per >= 8 else 1
    blocks = inside.reshape(len(inside), per // group, group, per // group, group).mean(axis=(2, 4))
    spread = blocks.std(axis=(1, 2), ddof=1) / np.maximum(blocks.mean(axis=(1, 2)), 1e-9)
    return np.asarray(spread / np.sqrt(2 / (group * group * (side * side - 1))))

"""Tests that need the pixels of patches: for stripes, repeated patterns, and small details."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft

from pairmill.pipeline.noise.measure import cell_side
from pairmill.pipeline.noise.residual import detrend

Plane = NDArray[np.float64]
BAND = 8
"""Side of the squares of frequencies within which powers are compared."""
CENTRE = np.float32(512)
"""Middle of R + 2G + B."""


def exact_grey(patches: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Intensity levels by ITU-R 601 in the integer arithmetic of the RealSR rule: (n, p, p, 3) RGB
    to (n, p, p).
    """
    tall = Image.fromarray(patches.reshape(-1, *patches.shape[2:])).convert("L")
    return np.asarray(tall).reshape(patches.shape[:3])


def plateau(patches: NDArray[np.uint8]) -> Plane:
    """Fraction of the pixels of patches (n, p, p, 3) that equal their right neighbour in all
    channels.
    """
    side = patches.shape[1]
    pixels = (
        cv2.cvtColor(patches.reshape(-1, side, 3), cv2.COLOR_RGB2RGBA)
        .view(np.uint32)
        .reshape(-1, side, side)
    )
    return np.asarray((pixels[:, :, 1:] == pixels[:, :, :-1]).mean(axis=(1, 2)))


def coherence(grey: NDArray[np.uint8]) -> Plane:
    """How much the gradients of patches agree in direction: 0 for noise, 1 for stripes or a slope,
    0 if constant.

    It is (l1 - l2) / (l1 + l2) of the eigenvalues of the structure tensor of central differences.

    Args:
        grey: (n, p, p) uint8.
    """
    levels = grey.astype(np.float32)
    down = levels[:, 2:, 1:-1] - levels[:, :-2, 1:-1]
    right = levels[:, 1:-1, 2:] - levels[:, 1:-1, :-2]
    # Products of integers, summed in float32 along rows of at most 512 and in float64 over rows:
    # exact.
    a, b, c = (
        np.einsum("nij,nij->ni", one, other).sum(axis=1, dtype=np.float64)
        for one, other in ((down, down), (right, right), (down, right))
    )
    return np.asarray(np.hypot(a - b, 2 * c) / np.maximum(a + b, 1))


def periodicity(grey: NDArray[np.uint8]) -> Plane:
    """Largest power of one spatial frequency over the mean of the 8 x 8 frequencies that it belongs
    to; at most 64.

    White noise of 64 x 64 pixels gives 7 to 13; a wave that makes 5 % of the variance gives 40.

    Args:
        grey: (n, p, p) uint8.
    """
    half = grey.shape[1] // 2
    spectrum = fft.rfft2(detrend(grey.astype(np.float32), 2))[:, :, :half]
    power = spectrum.real**2 + spectrum.imag**2
    if half % BAND:
        power = np.concatenate(
            [power[:, :, : half // BAND * BAND], power[:, :, half - BAND :]], axis=2
        )
    count, rows, columns = power.shape
    power = power.reshape(count, rows // BAND, BAND, columns // BAND, BAND)
    # One axis after the other: numpy is five times faster so.
    mean, largest = power.mean(axis=2).mean(axis=3), power.max(axis=2).max(axis=3)
    # Where there is next to nothing, one frequency is nothing special.
    least = 1e-3 * mean.mean(axis=(1, 2), keepdims=True)
    return np.asarray(
        (largest / np.maximum(np.maximum(mean, least), 1e-3)).max(axis=(1, 2)), np.float64
    )


def details(patches: NDArray[np.uint8]) -> tuple[Plane, Plane]:
    """What the cells of patches say about small details and about coloured shading.

    Compared are the means of cells (detrended) and their standard deviations, of luma and of two
    colour differences.

    Args:
        patches: (n, p, p, 3) uint8 RGB.

    Returns:
        outlier: (n,) the largest deviation of one cell from the others, over what is usual for the
            largest of so many: about 1 for noise, 2 and more if a cell holds a detail.
        structure: (n,) the larger variance of the cell means of a colour difference, over what
            white noise as strong as this or as the luma noise would give: 1 for white noise, up to
            4 after JPEG.
    """
    mean, spread = _cells(patches)
    per, area = mean.shape[-1], cell_side(patches.shape[1]) ** 2
    order = 1 if per < 8 else 2
    level = detrend(mean, order)
    inside = (spread * spread).mean(axis=(2, 3))
    # White noise has a variance of 6 in R + 2G + B, of 2 in R - G.
    white = np.maximum(inside[:, 1:], inside[:, :1] / 3) / area
    structure = (
        (level[:, 1:] ** 2).sum(axis=(2, 3))
        / (per * per - (order + 1) ** 2)
        / np.maximum(white, 1e-9)
    )
    spread -= spread.mean(axis=(2, 3), keepdims=True)
    usual = np.sqrt(2 * np.log(per * per))
    outlier = np.maximum(_deviation(np.abs(level), level), _deviation(spread, spread)) / usual
    return np.asarray(outlier), np.asarray(structure.max(axis=1))


def _cells(patches: NDArray[np.uint8]) -> tuple[Plane, Plane]:
    """Means and standard deviations of cells, (n, 3, k, k), of R + 2G + B, R - G and B - G. All
    sums are exact in float32.
    """
    count, whole = len(patches), patches.shape[1]
    side = cell_side(whole)
    per, area = whole // side, side * side
    # Side by side: long rows are faster.
    wide = np.ascontiguousarray(np.swapaxes(patches, 0, 1)).reshape(whole, -1, 3)
    red, green, blue = (plane.astype(np.float32) for plane in cv2.split(wide))
    mean, square = np.empty((2, count, 3, per, per))
    for number, plane in enumerate(
        (red + green + green + blue - CENTRE, red - green, blue - green)
    ):
        rows = plane.reshape(per, side, -1)
        for out, sums in ((mean, rows.sum(axis=1)), (square, np.einsum("aij,aij->aj", rows, rows))):
            cells = sums.reshape(-1, side) @ np.ones(side, np.float32)
            out[:, number] = np.swapaxes(cells.reshape(per, count, per), 0, 1) / area
    return mean, np.sqrt(np.maximum(square - mean * mean, 0))


def _deviation(size: Plane, values: Plane) -> Plane:
    """Largest of `size` over the standard deviation of `values`, (n, 3, k, k), at least a quarter
    of that of luma.
    """
    scale = np.sqrt((values * values).mean(axis=(2, 3)))
    scale = np.maximum(np.maximum(scale, 0.25 * scale[:, :1]), 1e-3)
    return np.asarray((size.max(axis=(2, 3)) / scale).max(axis=1))

"""Moving an image by a part of a pixel, exactly: every order of summation gives the same bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import GRID, cubic
from pairmill.models.functional.transforms import round_to

Array = NDArray[np.float64]
TAPS = (-1, 0, 1, 2)


def shifted(image: NDArray[np.generic], down: float, right: float) -> Array:
    """Move an image by Keys' cubic interpolation (a = -0.5), borders mirrored with the edge sample
    repeated.

    Args:
        image: (H, W, C), uint8, or float64 below 2**10 in size.
        down: rows that its content moves down; negative: up.
        right: columns that it moves right.

    Returns:
        (H, W, C) float64 on the grid of 2**-20, with overshoot; the image itself for 0 and 0.
    """
    found = np.asarray(image, np.float64)
    for axis, distance in ((0, down), (1, right)):
        found = _along(found, axis, distance)
    return found


def _along(image: Array, axis: int, distance: float) -> Array:
    if not distance:
        return image
    whole = int(np.floor(-distance))
    weights = np.round(cubic(np.array(TAPS) - (-distance - whole)) * GRID)
    weights[weights.argmax()] += GRID - weights.sum()
    length = image.shape[axis]
    out = np.zeros_like(image)
    rounded = round_to(image, 1 / GRID)
    for tap, weight in zip(TAPS, weights / GRID, strict=True):
        places = (np.arange(length) + whole + tap) % (2 * length)
        mirrored = np.where(places < length, places, 2 * length - 1 - places)
        out += weight * np.take(rounded, mirrored, axis)
    return round_to(out, 1 / GRID)

"""How strong the noise of an image is, as its flattest parts show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 1 / 12
"""Variance of rounding to whole intensity levels."""


def noise_floor(
    grey: Array, block: int = 16, share: float = 0.05, least: float = ROUNDING
) -> float:
    """Variance of the noise in the flattest blocks (Immerkaer, CVIU 1996), at least `least`: that
    of rounding to 8 bits.
    """
    height, width = (length // block * block for length in grey.shape)
    # Immerkaer's mask: second differences both ways, blind to edges along an axis; its squares sum
    # to 36, hence the 6 below.
    second = grey[:-2] - 2 * grey[1:-1] + grey[2:]
    second = np.pad((second[:, :-2] - 2 * second[:, 1:-1] + second[:, 2:]) / 6, 1)
    parts = [
        part[:height, :width].reshape(height // block, block, width // block, block)
        for part in (grey, second)
    ]
    flattest = np.argsort(parts[0].var((1, 3)), axis=None, kind="stable")[
        : max(3, int(height * width / block**2 * share))
    ]
    return max(float(np.square(parts[1]).mean((1, 3)).ravel()[flattest].mean()), least)

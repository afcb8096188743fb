"""What PSNR and SSIM compare: the Y channel or RGB, without a border, in float64."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
Channel = Literal["y", "rgb"]
WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255
"""Of red, green and blue in the luma of BT.601, per intensity level (MATLAB's `rgb2ycbcr`)."""
BLACK = 16.0


def luma(image: Image) -> Array:
    """(H, W, 3) uint8 to (H, W) float64 in [16, 235], not rounded: MATLAB's `rgb2ycbcr` before it
    makes integers.
    """
    y: Array = image.astype(np.float64) @ WEIGHTS
    return y + BLACK


def compared(a: Image, b: Image, border: int, channel: Channel) -> tuple[Array, Array]:
    """The parts of two images that count, (H - 2 border, W - 2 border, C) each, C 1 or 3.

    Args:
        a: (H, W, 3) uint8.
        b: the same.
        border: rows and columns that are left out at each side, before anything else is done;
            usually the scale.
        channel: `y` or `rgb`.

    Raises:
        ValueError: if they are no 8-bit colour images of one size, or nothing is left inside the
            border.
    """
    for image in (a, b):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"images are (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if a.shape != b.shape:
        raise ValueError(
            f"images of {a.shape[0]} x {a.shape[1]} and {b.shape[0]} x {b.shape[1]} cannot be "
            "compared"
        )
    if border < 0 or min(a.shape[:2]) <= 2 * border:
        raise ValueError(
            f"nothing is left of {a.shape[0]} x {a.shape[1]} without a border of {border}"
        )
    inside = slice(border, a.shape[0] - border), slice(border, a.shape[1] - border)
    if channel == "y":
        return luma(a[inside])[..., None], luma(b[inside])[..., None]
    return a[inside].astype(np.float64), b[inside].astype(np.float64)

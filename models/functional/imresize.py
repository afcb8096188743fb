"""MATLAB's bicubic `imresize` of 8-bit images, sample for sample as in the LR files of the SR
benchmarks, which MATLAB made.

Two rules tell it from the resizing of floating-point images: what the first pass, along the rows of
samples above one another, makes is rounded to 8 bits before the second, and beyond the border the
edge sample continues. Rounding is half up; samples that fall between two levels exactly come up at
factors that are powers of two, where all weights are exact, and at none of 3, 5 and 7. Weights are
multiples of 2**-40, so that sums of 8-bit samples are exact in float64 and as near to MATLAB's as
its own arithmetic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import (
    along_rows,
    band,
    strips,
    to_uint8,
    turned,
    whole_blocks,
)

Image = NDArray[np.uint8]
FINE = 1 << 40
"""Weights are multiples of one part of this."""


def imresize_down(image: Image, factor: int) -> Image:
    """Downscale (H, W, C) uint8 by an integer factor to (H // factor, W // factor, C) uint8;
    trailing rows and columns that do not fill a block are left out.

    Raises:
        ValueError: if the image is smaller than the factor.
    """
    image = whole_blocks(image, factor)
    return imresize(image, image.shape[0] // factor, image.shape[1] // factor)


def imresize_up(image: Image, factor: int) -> Image:
    """Upscale (H, W, C) uint8 by an integer factor to (factor H, factor W, C) uint8."""
    return imresize(image, image.shape[0] * factor, image.shape[1] * factor)


def imresize(image: Image, height: int, width: int) -> Image:
    """Resample (H, W, C) uint8 to (height, width, C) uint8; both sides by the same ratio, for
    MATLAB begins with the axis that shrinks more.
    """
    rows, columns = (
        band(inputs, outputs, "imresize", FINE)
        for inputs, outputs in zip(image.shape[:2], (height, width), strict=True)
    )
    out = np.empty((height, width, image.shape[2]), np.uint8)
    for part in strips(image, height):
        halfway = to_uint8(along_rows(image, rows, part))
        out[part] = turned(to_uint8(along_rows(turned(halfway), columns, slice(0, width))))
    return out

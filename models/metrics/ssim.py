"""SSIM, the structural similarity of 8-bit images (Wang et al. 2004)."""

from __future__ import annotations

import cv2
import numpy as np

from pairmill.models.metrics.luma import Array, Channel, Image, compared

SIDE, DEVIATION = 11, 1.5
"""Of the Gaussian window, in pixels."""
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
WINDOW = cv2.getGaussianKernel(SIDE, DEVIATION, cv2.CV_64F)


def ssim(a: Image, b: Image, border: int = 0, channel: Channel = "y") -> float:
    """Mean of the index over all places where the window lies inside, over channels for `rgb`; 1
    for equal images, at least -1.

    Args:
        a: (H, W, 3) uint8, with at least 11 x 11 pixels inside the border.
        b: the same.
        border: pixels that are left out at each side before anything else; papers leave out as many
            as the scale.
        channel: `y`: the luma of `luma`, not rounded, as papers; `rgb`: the mean of the three
            channels' SSIM.

    Raises:
        ValueError: see `compared`; or if the window does not fit.
    """
    one, other = compared(a, b, border, channel)
    if min(one.shape[:2]) < SIDE:
        raise ValueError(
            f"SSIM needs {SIDE} x {SIDE} pixels inside the border, got {one.shape[0]} x "
            f"{one.shape[1]}"
        )
    return float(np.mean([_index(one[..., c], other[..., c]).mean() for c in range(one.shape[2])]))


def _index(a: Array, b: Array) -> Array:
    """The index at every place; only the sum of both variances occurs in it, so that four filters
    are enough.
    """
    mean_a, mean_b, squares, products = (_filtered(image) for image in (a, b, a * a + b * b, a * b))
    means, mean_product = mean_a**2 + mean_b**2, mean_a * mean_b
    variances, covariance = squares - means, products - mean_product
    index: Array = (
        (2 * mean_product + C1) * (2 * covariance + C2) / ((means + C1) * (variances + C2))
    )
    return index


def _filtered(image: Array) -> Array:
    inside = slice(SIDE // 2, -(SIDE // 2))
    filtered: Array = cv2.sepFilter2D(np.ascontiguousarray(image), cv2.CV_64F, WINDOW, WINDOW)[
        inside, inside
    ]
    return filtered

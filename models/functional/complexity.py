"""How much there is to see in an image or a tile, as one number."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def complexity(grey: NDArray[np.uint8]) -> float:
    """Entropy of the gradients of (H, W), in bits, rounded to four digits; 0 for a flat image.

    The gradient of a pixel is the sum of the sizes of Sobel's two, in whole intensity levels per
    pixel, so that one level of noise tells nothing. Photographs have about 2 to 6 bits.
    """
    across, down = (cv2.Sobel(grey, cv2.CV_16S, *order) for order in ((1, 0), (0, 1)))
    # Sobel's masks weigh a slope of one level per pixel by 8.
    steps = (np.abs(across) + np.abs(down)) >> 3
    shares = np.bincount(steps.ravel()) / steps.size
    shares = shares[shares > 0]
    return round(max(0.0, -float((shares * np.log2(shares)).sum())), 4)

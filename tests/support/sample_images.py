"""Photos with content of their own everywhere, and copies of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def scene(seed: int) -> Pixels:
    """A photo with content of its own everywhere."""
    rng = np.random.default_rng([7, seed])
    blobs = [
        cv2.GaussianBlur(rng.standard_normal((181, 233, 3)), (0, 0), s) * s * 60
        for s in (1.5, 4.0, 11.0)
    ]
    return np.clip(120 + np.sum(blobs, axis=0), 0, 255).astype(np.uint8)


def recompressed(image: Pixels, quality: int) -> Pixels:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def resized(image: Pixels, factor: float) -> Pixels:
    return np.asarray(
        cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )


def flat(value: int, shape: tuple[int, int] = (97, 121)) -> Pixels:
    return np.full((*shape, 3), value, np.uint8)

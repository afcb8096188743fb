"""Parts of images that are worth looking at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.html.pictures import grey

Image = NDArray[np.uint8]
PARTS = 6
"""Parts of an image that can be looked at."""


def part(image: Image, rows: int, columns: int, number: int, step: int = 1) -> Image:
    """The part that is the busiest but `number`, at most half covered by busier ones.

    Args:
        image: (H, W, 3).
        rows: Height of the part, in pixels; less where the image has less.
        columns: Width of it.
        number: 0 is the busiest; beyond the last one they begin again.
        step: What the sides and the corner are multiples of.

    Returns:
        A contiguous copy.
    """
    high, wide = (
        max(step, min(wanted, side) // step * step)
        for wanted, side in zip((rows, columns), image.shape[:2], strict=True)
    )
    places = _places(image, high, wide, step)
    top, left = places[number % len(places)]
    return np.ascontiguousarray(image[top : top + high, left : left + wide])


def _places(image: Image, high: int, wide: int, step: int) -> list[tuple[int, int]]:
    """(top, left) of parts, busiest first."""
    energy = cv2.integral(np.abs(cv2.Laplacian(grey(image), cv2.CV_32F)))
    tops = _along(image.shape[0], high, step)
    lefts = _along(image.shape[1], wide, step)
    detail = {
        (t, b): float(
            energy[t + high, b + wide] - energy[t, b + wide] - energy[t + high, b] + energy[t, b]
        )
        for t in tops
        for b in lefts
    }
    found = list[tuple[int, int]]()
    for top, left in sorted(detail, key=lambda place: -detail[place]):
        apart = (abs(top - t) >= high / 2 or abs(left - b) >= wide / 2 for t, b in found)
        if all(apart):
            found.append((top, left))
        if len(found) == PARTS:
            break
    return found


def _along(length: int, side: int, step: int) -> range:
    pace = max(step, side // 4 // step * step)
    return range(0, max(1, length - side + 1), pace)

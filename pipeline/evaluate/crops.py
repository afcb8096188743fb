"""Small crops that show what a network did: where they lie, what they are upscaled from, what
differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.imresize import imresize_up
from pairmill.pipeline.html.pictures import busiest, heat

Image = NDArray[np.uint8]
SIDE = 128
"""Side of a crop, in HR pixels, about."""
MARGIN = 8
"""LR pixels around a crop that its bicubic upscaling sees."""


@dataclass(frozen=True)
class Window:
    """A part of an image, in LR pixels; HR is `scale` times that."""

    top: int
    left: int
    height: int
    width: int
    scale: int

    def lr(self, image: Image) -> Image:
        """The part of LR."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    def hr(self, image: Image, first: int = 0) -> Image:
        """The part of HR, or what there is of it in rows that begin at row `first` of HR."""
        top, left = self.top * self.scale - first, self.left * self.scale
        bottom = max(0, top + self.height * self.scale)
        return image[max(0, top) : bottom, left : left + self.width * self.scale]

    def words(self) -> str:
        """Where it lies, in HR pixels."""
        width, height, left, top = (
            self.scale * value for value in (self.width, self.height, self.left, self.top)
        )
        return f"{width} × {height} pixels at ({left}, {top})"


def most_detail(lr: Image, scale: int, side: int = SIDE) -> Window:
    """The window with most detail; all of an image that is no larger."""
    length = max(1, side // scale)
    top, left = busiest(lr, length, 1)
    return Window(top, left, min(length, lr.shape[0]), min(length, lr.shape[1]), scale)


def crop_side(width: int, height: int, scale: int, side: int = SIDE) -> int:
    """Longer side of the window of `most_detail` in HR pixels, for LR of that size."""
    return scale * min(max(1, side // scale), max(width, height))


def bicubic_part(lr: Image, window: Window) -> Image:
    """The part of the bicubic upscaling, made of what is around it alone."""
    top, left = max(0, window.top - MARGIN), max(0, window.left - MARGIN)
    around = lr[
        top : window.top + window.height + MARGIN, left : window.left + window.width + MARGIN
    ]
    inner = Window(window.top - top, window.left - left, window.height, window.width, window.scale)
    return inner.hr(imresize_up(around, window.scale))


def difference(sr: Image, hr: Image, peak: float) -> Image:
    """Root mean square over the channels of SR - HR as a heat map, (H, W, 3); brightest at `peak`
    intensity levels.
    """
    squares = (sr.astype(np.float64) - hr) ** 2
    return heat(np.sqrt(squares.mean(axis=2)), peak=peak)

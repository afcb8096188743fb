"""Images between their pixels: splines, shifts, blur, slopes."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter

Array = NDArray[np.float64]

ORDER: Final = 5
"""Of the splines that HR is interpolated with: nearly no loss up to 0.4 cycles per pixel."""


def coefficients_of(image: Array) -> Array:
    """Of the splines that interpolate an image."""
    return np.asarray(spline_filter(image, ORDER, mode="mirror"))


def warp(coefficients: Array, shifts: Array) -> Array:
    """An image, given by its spline coefficients, at each pixel plus a shift."""
    places = np.mgrid[: shifts.shape[1], : shifts.shape[2]] + shifts
    return np.asarray(
        map_coordinates(coefficients, places, order=ORDER, mode="mirror", prefilter=False)
    )


def blurred(hr: Array, kernel: Array) -> Array:
    """Correlation with a kernel at each pixel of HR; `[::2, ::2]` is LR."""
    return np.asarray(cv2.filter2D(hr, -1, kernel, borderType=cv2.BORDER_REFLECT))


def slopes(image: Array) -> tuple[Array, Array]:
    """Central differences along rows and columns, per pixel."""
    return np.asarray(np.gradient(image, axis=0)), np.asarray(np.gradient(image, axis=1))

"""Which parts of a photograph are out of focus, and which are only flat.

An edge that is blurred by sigma and then by s has second derivatives whose energy goes as
(sigma^2 + s^2)^(-3/2); the ratio of two such energies tells sigma, whatever the contrast (compare
Zhuo and Sim, Pattern Recognition 44, 2011, who compare gradients). Second derivatives do not see
shading, and the energy of white noise in them is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.noise_floor import noise_floor

Array = NDArray[np.float64]

CELL = 32
"""Side of the cells that are judged, in pixels."""
FINE, COARSE = 1.0, 2.0
"""Standard deviations of the two blurs that are compared, in pixels."""
LEAST_CONTENT = 0.25
"""Root mean square of the second derivatives of the coarser blur below which a cell is flat, in
intensity levels per squared pixel."""
FOCUS = 1.2
"""Blur beyond which a cell is out of focus, as standard deviation in pixels: of photographs that
are sharp, two cells in a hundred have more."""


@dataclass(frozen=True)
class Focus:
    """How much of an image is in focus."""

    defocus: float
    """Share out of focus of all that is not flat; 0 where all is."""
    flat: float
    """Share that is flat."""


def focus(grey: NDArray[np.uint8]) -> Focus:
    """How much of (H, W) is out of focus, and how much is flat, rounded to four digits."""
    blur = defocus_map(grey)
    seen = blur[~np.isnan(blur)]
    defocus = float((seen > FOCUS).mean()) if seen.size else 0.0
    return Focus(round(defocus, 4), round(1 - seen.size / blur.size, 4))


def defocus_map(grey: NDArray[np.uint8]) -> Array:
    """Blur of each cell of (H, W), as standard deviation of a Gaussian in pixels; NaN where a cell
    is flat. Cells that are cut by the lower and right edges are left out, but for the only one.
    """
    values = grey.astype(np.float64)
    noise = noise_floor(values) if min(grey.shape) >= CELL else 0.0
    fine, coarse = (_energy(values, noise, sigma) for sigma in (FINE, COARSE))
    ratio = fine / np.maximum(coarse, 1e-12)
    # ratio = ((sigma^2 + COARSE^2) / (sigma^2 + FINE^2))^(3/2), solved for sigma.
    root = np.maximum(ratio, 0) ** (2 / 3)
    sigma = np.sqrt(np.maximum(COARSE**2 - root * FINE**2, 0) / np.maximum(root - 1, 1e-6))
    return np.where(coarse < LEAST_CONTENT**2, np.nan, sigma)


def _energy(values: Array, noise: float, sigma: float) -> Array:
    """Mean square per cell of the Laplacian of `values` blurred by `sigma`, less that of noise."""
    blurred = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    laplacian = cv2.Laplacian(blurred, cv2.CV_64F, borderType=cv2.BORDER_REFLECT)
    # White noise of variance v keeps v / (2 pi sigma^6) (Parseval).
    return _cells(np.square(laplacian)) - noise / (2 * np.pi * sigma**6)


def _cells(plane: Array) -> Array:
    """Means over whole cells."""
    tall, wide = (min(CELL, length) for length in plane.shape)
    rows, columns = plane.shape[0] // tall, plane.shape[1] // wide
    whole = plane[: rows * tall, : columns * wide]
    return np.asarray(whole.reshape(rows, tall, columns, wide).mean(axis=(1, 3)))

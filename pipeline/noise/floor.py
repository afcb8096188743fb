"""The noise floor of an image: the variance of its calmest places, by brightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.noise.measure import Survey, cell_side
from schemas.noise import NoiseConfig

BIN = 16
"""Width of a brightness bin, in grey levels; a bin looks at its neighbours too."""
WINDOW = 4
"""Side of the windows whose variances are compared, in cells."""
CALM = 0.05
"""Fraction of the windows of a bin that is taken to be free of texture."""
FEWEST = 16
"""Windows that a bin must have to say something about the floor."""


@dataclass(frozen=True, eq=False)
class Floor:
    """Noise variance against brightness; `variance` is infinite everywhere if nothing is known."""

    brightness: NDArray[np.float64]
    """Centres of bins, in grey levels."""
    variance: NDArray[np.float64]
    """Grey variance of the calmest windows, in squared grey levels."""

    def at(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """The floor at grey levels `mean`, by linear interpolation."""
        return np.asarray(np.interp(mean, self.brightness, self.variance))


def noise_floor(found: Survey, config: NoiseConfig) -> Floor:
    """The floor of one image, from all windows that are neither clipped nor without noise.

    A bin's floor is a low quantile of its windows. Where a bin has only texture, its neighbours bound it: noise variance
    grows at most in proportion to brightness (shot noise), or falls so under a tone curve.
    """
    centres = np.arange(BIN / 2, 256, BIN)
    known = np.full(len(centres), np.inf)
    mean, variance = _windows(found, config)
    for index, centre in enumerate(centres):
        near = variance[np.abs(mean - centre) <= 1.5 * BIN]
        if len(near) >= FEWEST:
            known[index] = np.quantile(near, CALM, method="lower")
    ratio = (centres + BIN)[:, None] / (centres + BIN)[None]
    return Floor(centres, np.min(known[None] * np.maximum(ratio, 1 / ratio), axis=1))


def tolerance(found: Survey, config: NoiseConfig) -> NDArray[np.float64]:
    """Factor by which the noise of each patch may exceed the floor: sampling error of both, and `max_excess`.

    The error of white noise follows from the pixel counts; that of other noise is larger by the patch's `inconsistency`.
    """
    side = cell_side(found.patch)
    of_window = np.sqrt(2 / (WINDOW * WINDOW * (side * side - 1)))
    of_patch = np.sqrt(2.0) / found.patch
    return np.asarray(1 + config.max_excess + found.inconsistency * (1.65 * of_window + 2.5 * of_patch))


def _windows(found: Survey, config: NoiseConfig) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means and variances of all usable windows of WINDOW x WINDOW cells."""
    if min(found.cells[0].shape) < WINDOW:
        return np.zeros(0), np.zeros(0)
    mean, variance, clipped = (_box(plane) for plane in found.cells)
    usable = (mean > config.min_mean) & (mean <= config.max_mean)
    usable &= (clipped <= config.max_clipped) & (variance >= config.min_variance)
    return mean[usable], variance[usable]


def _box(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Means over all WINDOW x WINDOW windows that lie inside."""
    means = cv2.boxFilter(plane, cv2.CV_64F, (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE, anchor=(0, 0))
    return np.asarray(means)[: 1 - WINDOW, : 1 - WINDOW]

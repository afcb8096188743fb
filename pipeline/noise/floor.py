"""The noise floor of an image: the variance of its calmest places, by brightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.noise.measure import Plane, Survey, cell_side
from schemas.noise import NoiseConfig

BIN = 16
"""Distance of brightness bins, in grey levels."""
REACH = 12
"""Half width of a brightness bin, in grey levels: neighbours overlap."""
WINDOW = 4
"""Side of the windows whose variances are compared, in cells."""
CALM = 0.05
"""Fraction of the windows of a bin that is taken to be free of texture."""
SMALL, CALMEST, ABOVE = 2, 0.01, 4.0
"""In small windows, where even an image without any flat patch has calm places, so many are taken to be free of texture; the
floor is at most so many times theirs, which holds for the uneven noise of JPEG too."""
FEWEST = 16
"""Windows that a bin must have to say something about the floor."""


@dataclass(frozen=True, eq=False)
class Floor:
    """Noise variance against brightness; `variance` is infinite everywhere if nothing is known."""

    brightness: Plane
    """Centres of bins, in grey levels."""
    variance: Plane
    """Grey variance of the calmest windows, in squared grey levels."""

    def at(self, mean: Plane) -> Plane:
        """The floor at grey levels `mean`, by linear interpolation."""
        return np.asarray(np.interp(mean, self.brightness, self.variance))


def noise_floor(found: Survey, config: NoiseConfig) -> Floor:
    """The floor of one image, from all windows that are neither clipped nor without noise.

    A bin's floor is a low quantile of its windows. Where a bin has only texture, its neighbours bound it: noise variance
    grows at most in proportion to brightness (shot noise), or falls so under a tone curve.
    """
    centres = np.arange(BIN / 2, 256, BIN)
    known = np.minimum(
        _lowest(*_windows(found, WINDOW, config), centres, CALM),
        _lowest(*_windows(found, SMALL, config), centres, CALMEST) * ABOVE,
    )
    ratio = (centres + BIN)[:, None] / (centres + BIN)[None]
    return Floor(centres, np.min(known[None] * np.maximum(ratio, 1 / ratio), axis=1))


def _lowest(mean: Plane, variance: Plane, centres: Plane, quantile: float) -> Plane:
    """A low quantile of the variances of windows near each brightness; infinite where there are too few."""
    lowest = np.full(len(centres), np.inf)
    for index, centre in enumerate(centres):
        near = variance[np.abs(mean - centre) <= REACH]
        if len(near) >= FEWEST:
            lowest[index] = np.quantile(near, quantile, method="lower")
    return lowest


def tolerance(found: Survey, config: NoiseConfig) -> Plane:
    """Factor by which the noise of each patch may exceed the floor: sampling error of both, and `max_excess`.

    The error of white noise follows from the pixel counts; that of other noise is larger by the patch's `inconsistency`.
    """
    side = cell_side(found.patch)
    of_window = np.sqrt(2 / (WINDOW * WINDOW * (side * side - 1)))
    of_patch = np.sqrt(2.0) / found.patch
    return np.asarray(1 + config.max_excess + found.inconsistency * (1.65 * of_window + 2.5 * of_patch))


def structure_limit(config: NoiseConfig) -> float:
    """`max_structure`, or half of it for patches below 64 pixels: their cells are smaller and shading weighs more in them."""
    return config.max_structure / (1 if cell_side(config.patch) == 8 else 2)


def calm_level(values: Plane) -> float:
    """What is usual for the calm patches of an image: the lower quartile of a measure that is 1 for white noise, at least 1."""
    return max(1.0, float(np.quantile(values, 0.25))) if len(values) else 1.0


def _windows(found: Survey, side: int, config: NoiseConfig) -> tuple[Plane, Plane]:
    """Means and variances of all usable windows of side x side cells."""
    if min(found.cells[0].shape) < side:
        return np.zeros(0), np.zeros(0)
    mean, variance, clipped = (_box(plane, side) for plane in found.cells)
    usable = (mean > config.min_mean) & (mean <= config.max_mean)
    usable &= (clipped <= config.max_clipped) & (variance >= config.min_variance)
    return mean[usable], variance[usable]


def _box(plane: NDArray[np.float32], side: int) -> Plane:
    """Means over all side x side windows that lie inside."""
    means = cv2.boxFilter(plane, cv2.CV_64F, (side, side), borderType=cv2.BORDER_REPLICATE, anchor=(0, 0))
    return np.asarray(means)[: 1 - side, : 1 - side]

"""The noise floor of an image: the variance of its calmest places, by brightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.noise.measure import Plane, Survey, cell_side
from pairmill.schemas.noise import NoiseConfig

BIN = 16
"""Distance of brightness bins, in intensity levels."""
REACH = 12
"""Half width of a brightness bin, in intensity levels: neighbours overlap."""
WINDOW = 4
"""Side of the windows whose variances are compared, in cells."""
CALM = 0.05
"""Fraction of the windows of a bin that is taken to be free of texture."""
SMALL, CALMEST, ABOVE = 2, 0.01, 4.0
"""Even an image without any flat patch has small calm places: of windows of `SMALL` cells the
`CALMEST` fraction is taken to be free of texture, and the floor is at most `ABOVE` times theirs,
which holds for uneven noise of JPEG too."""
FEWEST = 16
"""Windows that a bin must have to say something about the floor."""


@dataclass(frozen=True, eq=False)
class Floor:
    """Noise variance against brightness; `variance` is infinite everywhere if nothing is known."""

    brightness: Plane
    """Centres of bins, in intensity levels."""
    variance: Plane
    """Intensity variance of the calmest windows, in squared intensity levels."""

    def at(self, mean: Plane) -> Plane:
        """The floor at intensity levels `mean`, by linear interpolation."""
        return np.asarray(np.interp(mean, self.brightness, self.variance))


def noise_floor(found: Survey, config: NoiseConfig) -> Floor:
    """The floor of one image, from all windows that are neither clipped nor without noise.

    A bin's floor is a low quantile of its windows. Where a bin has only texture, its neighbours
    bound it: noise variance grows at most in proportion to brightness (shot noise), or falls so
    under a tone curve.
    """
    centres = np.arange(BIN / 2, 256, BIN)
    wide = _lowest(*_windows(found, WINDOW, config), centres, CALM)
    small = _lowest(*_windows(found, SMALL, config), centres, CALMEST)
    at = np.concatenate([wide[0], small[0]])
    known = np.concatenate([wide[1], small[1] * ABOVE])
    ratio = (centres[:, None] + 2) / (at[None] + 2)
    return Floor(centres, np.min(known * np.maximum(ratio, 1 / ratio), axis=1, initial=np.inf))


def _lowest(mean: Plane, variance: Plane, centres: Plane, quantile: float) -> tuple[Plane, Plane]:
    """Mean brightness and largest variance of the calmest windows near each brightness, where there
    are enough.
    """
    order = np.argsort(mean)
    mean, variance = mean[order], variance[order]
    starts, stops = (
        np.searchsorted(mean, centres - REACH),
        np.searchsorted(mean, centres + REACH, "right"),
    )
    rows: list[tuple[float, float]] = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if stop - start >= FEWEST:
            of, there = variance[start:stop], mean[start:stop]
            place = int(quantile * (len(of) - 1))
            limit = np.partition(of, place)[place]
            rows.append((float(there[of <= limit].mean()), float(limit)))
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def tolerance(found: Survey, config: NoiseConfig) -> Plane:
    """Factor by which the noise of each patch may exceed the floor: sampling error of both, and
    `max_excess`.

    The error of white noise follows from the pixel counts; that of other noise is larger by its
    `inconsistency`.
    """
    side = cell_side(found.patch)
    of_window = np.sqrt(2 / (WINDOW * WINDOW * (side * side - 1)))
    of_patch = np.sqrt(2.0) / found.patch
    return np.asarray(
        1 + config.max_excess + found.inconsistency * (1.65 * of_window + 2.5 * of_patch)
    )


def structure_limit(config: NoiseConfig) -> float:
    """`max_structure`, or half of it for patches below 64 pixels: shading weighs more in their
    smaller cells.
    """
    return config.max_structure / (1 if cell_side(config.patch) == 8 else 2)


def calm_level(values: Plane) -> float:
    """The lower quartile of a measure of the calm patches of an image; at least 1, the value of
    white noise.
    """
    if len(values):
        return max(1.0, _quartile(np.sort(values)))
    return 1.0


def _quartile(ascending: Plane) -> float:
    """The lower quartile by linear interpolation: `np.quantile` without what takes longer than the
    rest here.
    """
    place, part = divmod(0.25 * (len(ascending) - 1), 1)
    low, high = ascending[int(place)], ascending[min(int(place) + 1, len(ascending) - 1)]
    return float(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))


def _windows(found: Survey, side: int, config: NoiseConfig) -> tuple[Plane, Plane]:
    """Means and variances of the usable windows of side x side cells, every second in each
    direction.
    """
    if min(found.cells[0].shape) < side:
        return np.zeros(0), np.zeros(0)
    mean, variance, clipped = (_box(plane, side) for plane in found.cells)
    usable = (mean > config.min_mean) & (mean <= config.max_mean)
    usable &= (clipped <= config.max_clipped) & (variance >= config.min_variance)
    return mean[usable], variance[usable]


def _box(plane: NDArray[np.float32], side: int) -> Plane:
    """Means over side x side windows that lie inside, every second in each direction."""
    means = cv2.boxFilter(
        plane, cv2.CV_64F, (side, side), borderType=cv2.BORDER_REPLICATE, anchor=(0, 0)
    )
    return np.asarray(means)[: 1 - side : 2, : 1 - side : 2]

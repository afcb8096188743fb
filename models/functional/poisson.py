"""Poisson noise for 8-bit images by inversion, with the same bits on every machine.

An 8-bit image has at most 256 different means. A sample is the Poisson quantile at one of 2**16
mid-points of probability: looked up for means below `FEW`, where the table is exact, and expanded
in the normal quantile above. The total variation distance to the distribution is below 1e-3 for
means up to 1500 and 2.5e-3 up to 10,000, where 2**16 places are few for so many counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.noise import PLACES, Array, Places, Words, places, quantiles

FEW = 4.0
"""Means below it use the table. From here on the expansion is within 7.4e-4 of the distribution."""
COUNTS = 16
"""Counts that the table knows, a power of two; P(X > 15) < 2**-17 for means below 4, so that no
place gives more than 15."""
TERMS = 40
"""Terms of the sum that makes probabilities of weights; the rest is below 1e-24 of it."""


@dataclass(frozen=True, eq=False)
class Law:
    """The Poisson distributions of the 256 levels, made ready for `poisson_counts`."""

    few: NDArray[np.bool_]
    """(256,) whether a level has a mean below FEW."""
    table: NDArray[np.int64]
    """(256, COUNTS) `count_table`."""
    expansion: Array
    """(5, 256) coefficients of the expansion, highest power first."""


@lru_cache(maxsize=8)
def poisson_law(peak: float) -> Law:
    """The distributions of mean level * peak / 255, for a mean at white of `peak` > 0."""
    means = np.arange(256) * peak / 255
    # Levels below FEW are looked up; for them the expansion is kept finite only.
    return Law(means < FEW, count_table(means), expansion(np.maximum(means, FEW)))


def poisson_counts(law: Law, words: Words, levels: NDArray[np.uint8]) -> Array:
    """A Poisson draw per sample.

    Args:
        law: Of all levels.
        words: One per four samples.
        levels: 8-bit samples, in any shape.

    Returns:
        Whole numbers, in the shape of the levels.

    Raises:
        ValueError: if there are too few words.
    """
    level, place = levels.ravel(), places(words, levels.size)
    if law.few.all():
        return _looked_up(law.table, level, place).astype(np.float64).reshape(levels.shape)
    counts = _expanded(law.expansion, level, quantiles(place))
    # Means rise with the level: those below FEW come first.
    rare = np.flatnonzero(level < np.count_nonzero(law.few))
    if len(rare):
        counts[rare] = _looked_up(law.table, level[rare], place[rare])
    return counts.reshape(levels.shape)


def expansion(means: Array) -> Array:
    """Coefficients of the powers 4, 3, 2, 1, 0 of the normal quantile z, (5, n), for means of at
    least FEW.

    A Poisson quantile is floor(m + 1/3 - 8/(405 m) + (r - 1/(36 r)) z + (1/6 + 7/(810 m)) z^2 -
    z^3/(72 r) + z^4/(270 m)) with r = sqrt(m): the Cornish-Fisher expansion with its correction for
    whole numbers (Giles 2016, Algorithm 955).
    """
    root = np.sqrt(means)
    return np.stack(
        [
            1 / (270 * means),
            -1 / (72 * root),
            1 / 6 + 7 / (810 * means),
            root - 1 / (36 * root),
            means + 1 / 3 - 8 / (405 * means),
        ]
    )


def _expanded(coefficients: Array, level: NDArray[np.uint8], z: Array) -> Array:
    """The expansion of each sample by Horner's rule; -1, which it gives a few times near FEW,
    becomes 0.
    """
    # OpenCV looks 8 bits up in a third of numpy's time.
    seen, term = level[None], np.empty((1, len(level)))
    total: Array = cv2.LUT(seen, coefficients[:1])[0]
    for row in coefficients[1:]:
        total *= z
        total += cv2.LUT(seen, row[None], term)[0]
    np.floor(total, out=total)
    return np.asarray(cv2.max(total[None], 0.0)[0])


def count_table(means: Array) -> NDArray[np.int64]:
    """Places below which the count is at most k: (means, COUNTS), for means below FEW; the last
    column is PLACES.

    Weights m^k / k! come from a running product and are divided by their sum: no exponential, whose
    last bit could differ.
    """
    few = np.minimum(means, FEW)[:, None]
    weights = np.cumprod(
        np.concatenate([np.ones_like(few), few / np.arange(1, TERMS)], axis=1), axis=1
    )
    sums = np.cumsum(weights, axis=1)
    # Place p stands for the probability (p + 1/2) / PLACES.
    below: NDArray[np.int64] = np.ceil(sums[:, :COUNTS] / sums[:, -1:] * PLACES - 0.5).astype(
        np.int64
    )
    # However the last sum was rounded, no place lies beyond it.
    below[:, -1] = PLACES
    return below


def _looked_up(
    below: NDArray[np.int64], level: NDArray[np.uint8], place: Places
) -> NDArray[np.intp]:
    """How many entries of the level's row are not above the place, by halving."""
    flat, start = below.ravel(), level.astype(np.intp) * COUNTS
    place = place.astype(np.int64)
    # COUNTS is a power of two: all samples take the same number of steps, none branches.
    found, step = start.copy(), COUNTS // 2
    while step:
        found += step * (np.take(flat, found + (step - 1), mode="clip") <= place)
        step //= 2
    return np.asarray(found - start)


def peak_of_levels(levels: NDArray[np.uint8]) -> int:
    """2 ** ceil(log2(n)) for n distinct values in an 8-bit image (Real-ESRGAN's choice of photons
    at white).
    """
    distinct = int(
        np.count_nonzero(cv2.calcHist([levels.reshape(-1, 1)], [0], None, [256], [0, 256]))
    )
    # Without a logarithm, whose rounding may miss a power of two.
    return 1 << (distinct - 1).bit_length()


def luminance(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """0.299 R + 0.587 G + 0.114 B of an 8-bit image, rounded half up in multiples of 2**-16: (rows,
    columns, 1) uint8.
    """
    red, green, blue = (levels[..., channel].astype(np.uint32) for channel in range(3))
    # The three weights in units of 2**-16, which sum to 65536, and a half for rounding.
    weighted = 19595 * red + 38470 * green + 7471 * blue + 32768
    return np.asarray(weighted >> 16, np.uint8)[..., None]

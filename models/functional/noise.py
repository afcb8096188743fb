"""Random fields made from raw 64-bit words, with the same bits on every machine: normal, and in
blocks.

A word holds four 16-bit numbers, lowest bits first. Each is the place of a sample in a table of
2**16 normal quantiles, at mid-points of probability, scaled to variance 1 and rounded to multiples
of 2**-16. Its mean is 0 exactly, its variance 1 to 2e-8, its kurtosis 3 to 8e-4, and it ends at
4.325 sigma. What follows uses + * / and square roots only, which IEEE 754 fixes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]
Words = NDArray[np.uint64]
Places = NDArray[np.uint16]
Rows = Sequence[Sequence[float]]
PLACES = 1 << 16
PER_WORD = 4
FINE = 1 << 24
"""Roots of covariances are multiples of its inverse: their products with normals, and sums of
three, fit in 53 bits."""
LOOKS_16_BITS_UP = int(cv2.__version__.partition(".")[0]) >= 5
"""Whether OpenCV looks 16-bit numbers up: in half of numpy's time, for it needs no wider ones."""
SWEEPS = 8
"""Jacobi's method doubles the correct digits per sweep; four are enough for 3 x 3."""


def words_for(samples: int) -> int:
    """Words that `samples` samples take from a stream."""
    return -(-samples // PER_WORD)


def places(words: Words, samples: int) -> Places:
    """The first `samples` 16-bit numbers of the words, lowest bits first.

    Raises:
        ValueError: if there are too few words.
    """
    if len(words) < words_for(samples):
        raise ValueError(f"{len(words)} words are too few for {samples} samples")
    # Little-endian by name: the same numbers where the machine's own order is another.
    return words.astype("<u8", copy=False).view("<u2")[:samples]


@lru_cache(maxsize=1)
def normal_table() -> Array:
    """The 2**16 normal quantiles, rising, antisymmetric, read-only.

    The last bits of `ndtri` may differ between machines, but not the table: no quantile lies within
    1e-6 of a step of where rounding to multiples of 2**-16 turns, ten thousand times such a
    difference.
    """
    # One half only, mirrored: antisymmetric by construction, so that the mean is exactly 0.
    lower = ndtri((np.arange(PLACES // 2) + 0.5) / PLACES)
    unit = lower / math.sqrt(math.fsum(lower**2) / len(lower))
    lower = np.rint(unit * PLACES) / PLACES
    table = np.concatenate([lower, -lower[::-1]])
    table.setflags(write=False)
    return table


def table_digest() -> str:
    """SHA-256 of the table as little-endian 32-bit multiples of 2**-16."""
    return hashlib.sha256((normal_table() * PLACES).astype("<i4").tobytes()).hexdigest()


def normals(words: Words, shape: tuple[int, ...]) -> Array:
    """Independent samples of mean 0 and standard deviation 1, in C order; four per word.

    Raises:
        ValueError: if there are too few words.
    """
    return quantiles(places(words, math.prod(shape))).reshape(shape)


def quantiles(chosen: Places) -> Array:
    """What `normal_table` holds at these places."""
    if LOOKS_16_BITS_UP:
        return np.asarray(cv2.LUT(chosen[None], normal_table()[None])).reshape(chosen.shape)
    # `clip` spares the check of every place; 16 bits cannot leave the table.
    return np.take(normal_table(), chosen.astype(np.intp), mode="clip")


def normal_field(
    words: Words, pixels: int, mode: str, sigma: float, root: Array | None = None
) -> Array:
    """Normal noise for pixels.

    Args:
        words: One per four samples.
        pixels: How many.
        mode: `colour`, channels independent; `grey`, one value for all of them; `correlated`, by a
            covariance.
        sigma: Standard deviation; not used for `correlated`.
        root: `covariance_root` of the channels' covariance, for `correlated`.

    Returns:
        (pixels, 3), or (pixels, 1) for `grey`, in units of sigma or of the root.

    Raises:
        ValueError: if there are too few words.
    """
    unit = normals(words, (pixels, samples_per_pixel(mode)))
    if root is not None:
        return np.asarray(unit @ root)  # exact in any order: see FINE
    unit *= sigma
    return unit


def samples_per_pixel(mode: str) -> int:
    """What a pixel takes from the stream."""
    return 1 if mode == "grey" else 3


def covariance_root(covariance: Rows) -> Array:
    """The symmetric S with S S = covariance, on a grid of 2**-24.

    Jacobi's eigenvalue method on Python floats gives the same bits everywhere, which LAPACK does
    not. An eigenvalue that rounding left below 0 counts as 0. (The published |s^2 U^T D U|,
    element-wise, needs no more: for 3 x 3 its 2 x 2 minors are those of U^T D U, and its
    determinant is no smaller, so it is positive semi-definite.)

    Args:
        covariance: (3, 3), symmetric, variances up to 255^2.
    """
    values = [[float(value) for value in row] for row in covariance]
    vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    for _ in range(SWEEPS):
        for p, q in ((0, 1), (0, 2), (1, 2)):
            _rotate(values, vectors, p, q)
    roots = [math.sqrt(max(0.0, values[i][i])) for i in range(3)]
    scaled = [[row[i] * roots[i] for i in range(3)] for row in vectors]
    root = [[a[0] * b[0] + a[1] * b[1] + a[2] * b[2] for b in vectors] for a in scaled]
    return np.array(
        [[round(root[max(i, j)][min(i, j)] * FINE) / FINE for j in range(3)] for i in range(3)]
    )


def _rotate(a: list[list[float]], vectors: list[list[float]], p: int, q: int) -> None:
    """Make a[p][q] zero by a rotation (Golub and Van Loan, Matrix Computations, section 8.5), in
    place.
    """
    if a[p][q] == 0.0:
        return
    # The smaller of the two roots t, a turn of at most 45 degrees: with it the sweeps converge.
    tau = (a[q][q] - a[p][p]) / (2 * a[p][q])
    t = math.copysign(1.0, tau) / (abs(tau) + math.sqrt(1 + tau * tau))
    c = 1 / math.sqrt(1 + t * t)
    s = t * c
    for row in (*a, *vectors):  # columns of both, ...
        row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
    a[p], a[q] = (  # ... then rows of the matrix
        [c * x - s * y for x, y in zip(a[p], a[q], strict=True)],
        [s * x + c * y for x, y in zip(a[p], a[q], strict=True)],
    )
    # Known to be 0; rounding left some last bits there.
    a[p][q] = a[q][p] = 0.0


def block_sigmas(
    words: Words, shape: tuple[int, int], block: int, low: float, high: float
) -> Array:
    """A sigma per block, uniform in [low, high), spread over the pixels: (rows, columns, 1).

    Args:
        words: One per block, row by row; their upper 53 bits count.
        shape: (rows, columns) of the image; blocks at the right and at the bottom may be cut.
        block: Side of a block, in pixels.
        low: Least sigma.
        high: Largest sigma.
    """
    down, across = blocks_of(shape, block)
    # As numpy makes a double of a word.
    fractions = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    sigmas = (low + fractions * (high - low)).reshape(down, across)
    return sigmas.repeat(block, axis=0)[: shape[0]].repeat(block, axis=1)[:, : shape[1], None]


def blocks_of(shape: tuple[int, int], block: int) -> tuple[int, int]:
    """Blocks down and across that cover an image."""
    return -(-shape[0] // block), -(-shape[1] // block)

"""MATLAB-compatible bicubic resizing, exact in float64 for 8-bit images.

Convention: centre-aligned (output pixel y lies at (y + 0.5) / scale - 0.5 of the input), cubic with a = -0.5,
antialiased when reducing, borders mirrored with the edge sample repeated. Weights lie on a grid of 2**-20, so that all
sums over 8-bit samples are exact in float64: no order of summation, and no processor, can change a rounded pixel.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[np.float64]
GRID = 1 << 20
STRIP = 64


def bicubic_down(image: NDArray[np.generic], factor: int) -> Array:
    """Reduce (H, W, C) by an integer factor to (H // factor, W // factor, C) float64; trailing rows and columns that do
    not fill a block are left out. Range as the input's, with overshoot. Source: MATLAB `imresize`.

    Raises:
        ValueError: if the image is smaller than the factor.
    """
    height, width = image.shape[0] // factor, image.shape[1] // factor
    if min(height, width) < 1:
        raise ValueError(f"image of {image.shape[0]} x {image.shape[1]} cannot be reduced by {factor}")
    return _resize(image[: height * factor, : width * factor], Fraction(1, factor))


def bicubic_up(image: NDArray[np.generic], factor: int) -> Array:
    """Enlarge (H, W, C) by an integer factor to (factor H, factor W, C) float64, with overshoot."""
    return _resize(image, Fraction(factor))


def to_uint8(image: Array) -> NDArray[np.uint8]:
    """Clip to [0, 255] and round half up, once."""
    return np.floor(np.clip(image, 0.0, 255.0) + 0.5).astype(np.uint8)


def _resize(image: NDArray[np.generic], scale: Fraction) -> Array:
    rows = resize_matrix(image.shape[0], scale)
    columns = resize_matrix(image.shape[1], scale)
    out = np.empty((rows.shape[0], columns.shape[0], image.shape[2]))
    for start in range(0, rows.shape[0], STRIP):     # strips stay in the cache and bound the memory
        strip = rows[start : start + STRIP]
        low, high = strip.indices.min(), strip.indices.max() + 1
        source = image[low:high].astype(np.float64)
        vertical = (strip[:, low:high] @ source.reshape(high - low, -1)).reshape(strip.shape[0], *image.shape[1:])
        turned = vertical.transpose(1, 0, 2).reshape(image.shape[1], -1)
        done = (columns @ turned).reshape(columns.shape[0], strip.shape[0], image.shape[2])
        out[start : start + STRIP] = done.transpose(1, 0, 2)
    return out


@lru_cache(maxsize=64)
def resize_matrix(length: int, scale: Fraction) -> sp.csr_array:
    """The (output, input) matrix that resizes one axis of `length` samples by `scale`."""
    outputs = -(-length * scale.numerator // scale.denominator)
    stretch = max(Fraction(1), 1 / scale)            # antialiasing widens the cubic
    taps = math.ceil(4 * stretch) + 2
    centres = (np.arange(outputs) + 0.5) / float(scale) - 0.5
    first = np.floor(centres - 2 * float(stretch)).astype(np.int64)
    positions = first[:, None] + np.arange(taps)[None]
    weights = cubic((centres[:, None] - positions) / float(stretch))
    fixed = _on_grid(weights / weights.sum(axis=1, keepdims=True))
    inputs = mirror(positions, length)
    index = np.broadcast_to(np.arange(outputs)[:, None], inputs.shape)
    matrix = sp.coo_array((fixed.ravel(), (index.ravel(), inputs.ravel())), shape=(outputs, length)).tocsr()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def cubic(t: Array) -> Array:
    """Keys' cubic with a = -0.5 (MATLAB's), zero outside [-2, 2]."""
    t = np.abs(t)
    inner = 1.5 * t**3 - 2.5 * t**2 + 1
    outer = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, inner, np.where(t <= 2, outer, 0.0))


def mirror(positions: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Indices folded into [0, length) by mirroring with the edge sample repeated: ... 1 0 | 0 1 2 ..."""
    folded = np.mod(positions, 2 * length)
    return np.asarray(np.minimum(folded, 2 * length - 1 - folded))


def _on_grid(weights: Array) -> Array:
    """Rows rounded to multiples of 1 / GRID that sum to exactly 1; the largest weight takes the remainder."""
    fixed = np.round(weights * GRID)
    rows = np.arange(len(fixed))
    fixed[rows, weights.argmax(axis=1)] += GRID - fixed.sum(axis=1)
    return np.asarray(fixed / GRID)

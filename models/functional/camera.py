"""A camera's development of raw values into sRGB and its inverse, with the same bits on every
machine.

Both follow Brooks et al. 2019, "Unprocessing Images for Learned Raw Denoising". Values are
intensity levels, 255 is white. Powers and the tone curve's inverse are found by Newton's method
from + * / and square roots, which IEEE 754 fixes; those of a C library differ in their last bits
between machines. Matrices are applied term by term, as BLAS may fuse or reorder sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = Sequence[Sequence[float]]
WHITE = 255.0
STEPS = 4
"""Newton steps, which reach the last bit from the starting values here."""
LINEAR_TOE, ENCODED_TOE, SLOPE = 0.00313066844250063, 0.0404482362771082, 12.92
"""sRGB (IEC 61966-2-1): below the toe, encoded = SLOPE * linear. It ends where line and power meet,
so that the curve has an inverse; the standard's 0.0031308 and 0.04045 are this, rounded, and leave
a jump of 3e-8."""
STRIP = 2048
"""Pixels worked on at a time, so that they stay in the cache."""


def encode(linear: Array) -> Array:
    """The curve of sRGB: 12.92 x below the toe, then 1.055 x^(1/2.4) - 0.055; x in [0, 1]."""
    fourth = np.sqrt(np.sqrt(np.maximum(linear, LINEAR_TOE)))
    root = 0.4 + fourth * (0.85 - 0.25 * fourth)  # x^(1/12) = cube root of x^(1/4), to 3 %
    for _ in range(STEPS):
        root -= (root - fourth / (root * root)) / 3
    # x^(1/2.4) is the fifth power of x^(1/12).
    square = root * root
    return np.where(linear <= LINEAR_TOE, SLOPE * linear, 1.055 * (square * square * root) - 0.055)


def decode(encoded: Array) -> Array:
    """The inverse of `encode`: x / 12.92 below the toe, then ((x + 0.055) / 1.055)^2.4; x in [0,
    1].
    """
    base = (np.maximum(encoded, ENCODED_TOE) + 0.055) / 1.055
    root = 0.58 + base * (0.66 - 0.24 * base)  # x^(1/5), to 3 %
    for _ in range(STEPS):
        square = root * root
        root -= (root - base / (square * square)) / 5
    # x^2.4 is the twelfth power of x^(1/5).
    power = root * root * root
    return np.where(encoded <= ENCODED_TOE, encoded / SLOPE, (power * power) * (power * power))


def tone(values: Array) -> Array:
    """The smooth step 3 x^2 - 2 x^3, x in [0, 1]."""
    return values * values * (3 - 2 * values)


def tone_undone(values: Array) -> Array:
    """The inverse of `tone`, which is 1/2 - sin(arcsin(1 - 2 x) / 3), x in [0, 1].

    With x <= 1/2 (the curve is symmetric about its middle) it solves y sqrt(3 - 2 y) = sqrt(x),
    whose slope is nowhere 0.
    """
    # Half the curve, and its mirror image: near 1 the slope is 0 again, where Newton's steps fail.
    lower = values <= 0.5
    root = np.sqrt(np.where(lower, values, 1 - values))
    y = root * (0.56 + 0.2 * root)
    for _ in range(STEPS):
        slope = np.sqrt(3 - 2 * y)
        y -= (y * slope - root) * slope / (3 - 3 * y)
    return np.where(lower, y, 1 - y)


@lru_cache(maxsize=2)
def decoded_levels(with_tone: bool) -> Array:
    """The linear value in [0, 1] of each of the 256 levels of an 8-bit sRGB image."""
    return _decoded(np.arange(256) / WHITE, with_tone)


def _decoded(developed: Array, with_tone: bool) -> Array:
    if with_tone:
        developed = tone_undone(developed)
    return decode(developed)


def unprocess(
    image: NDArray[np.generic], gains: tuple[float, float, float], colour: Rows, with_tone: bool
) -> Array:
    """Developed to raw: tone curve, gamma, colour matrix and gains undone.

    The gains are divided out everywhere, so that `process` is the exact inverse. (The paper blends
    towards the unchanged value above 90 %, to keep white at the sensor's white.)

    Args:
        image: (rows, columns, 3) sRGB; what lies outside [0, 255] is clipped.
        gains: White balance of red, green and blue.
        colour: (3, 3) colour matrix, from camera RGB to linear sRGB.
        with_tone: Whether the image went through the tone curve.

    Returns:
        Linear camera RGB of the same shape; may lie outside [0, 255] for strong colours.
    """
    back, undone = inverse(colour), WHITE / np.asarray(gains)

    def strip(pixels: NDArray[Any]) -> Array:
        if pixels.dtype == np.uint8:
            # Of 8 bits there are 256 values: each is computed once.
            linear = np.take(decoded_levels(with_tone), pixels.astype(np.intp), mode="clip")
        else:
            linear = _decoded(np.clip(pixels / WHITE, 0, 1), with_tone)
        return mixed(linear, back) * undone

    return _by_strips(image, strip)


def process(
    image: NDArray[np.generic], gains: tuple[float, float, float], colour: Rows, with_tone: bool
) -> Array:
    """Raw to developed: gains, colour matrix, clipping to [0, 1], gamma, tone curve; arguments as
    for `unprocess`.

    Returns:
        sRGB of the same shape, in [0, 255], not rounded.
    """
    scale = np.asarray(gains) / WHITE

    def strip(pixels: NDArray[Any]) -> Array:
        developed = encode(np.clip(mixed(pixels * scale, colour), 0, 1))
        if with_tone:
            developed = tone(developed)
        return developed * WHITE

    return _by_strips(image, strip)


def _by_strips(image: NDArray[np.generic], function: Callable[[NDArray[Any]], Array]) -> Array:
    """A function of pixels, (n, 3), applied to all pixels of an image."""
    pixels, out = image.reshape(-1, 3), np.empty((image.size // 3, 3))
    for start in range(0, len(pixels), STRIP):
        out[start : start + STRIP] = function(pixels[start : start + STRIP])
    return out.reshape(image.shape)


def mixed(pixels: Array, matrix: Rows) -> Array:
    """The matrix times each pixel of (n, 3), (a r + b g) + c b per channel, in this order."""
    red, green, blue = np.ascontiguousarray(pixels.T)
    return np.stack([row[0] * red + row[1] * green + row[2] * blue for row in matrix], axis=-1)


def inverse(m: Rows) -> list[list[float]]:
    """The inverse of a 3 x 3 matrix by its cofactors, on Python floats.

    Raises:
        ZeroDivisionError: if the determinant is 0, which the schema of the op does not let through.
    """
    after = ((1, 2), (2, 0), (0, 1))  # the other two, in turn: signs come out right
    cofactors = [[m[p][r] * m[q][s] - m[p][s] * m[q][r] for r, s in after] for p, q in after]
    determinant = m[0][0] * cofactors[0][0] + m[0][1] * cofactors[0][1] + m[0][2] * cofactors[0][2]
    return [[cofactors[j][i] / determinant for j in range(3)] for i in range(3)]


RED_AT = {"rggb": (0, 0), "grbg": (0, 1), "gbrg": (1, 0), "bggr": (1, 1)}
"""Row and column, modulo 2, of the red pixels of each pattern."""


def mosaic(image: NDArray[np.generic], pattern: str) -> Array:
    """The one value per pixel that a Bayer sensor keeps: (rows, columns)."""
    row, column = RED_AT[pattern]
    kept = image[..., 1].astype(np.float64)
    kept[row::2, column::2] = image[row::2, column::2, 0]
    kept[1 - row :: 2, 1 - column :: 2] = image[1 - row :: 2, 1 - column :: 2, 2]
    return kept


def demosaic(raw: Array, pattern: str) -> Array:
    """The two missing colours of each pixel by the gradient-corrected linear filters of Malvar, He
    and Cutler 2004, figure 2.

    Borders are mirrored without repeating the edge sample, which keeps the colours of the pattern
    in their places.

    Args:
        raw: (rows, columns), both at least 2.
        pattern: One of `RED_AT`.

    Returns:
        (rows, columns, 3), which may overshoot; kept samples are unchanged. Exact for whole
        numbers.
    """
    green, along, across, diagonal = _filters(raw)
    row, column = RED_AT[pattern]
    out = np.empty((*raw.shape, 3))
    for channel, (r, c) in ((0, (row, column)), (2, (1 - row, 1 - column))):
        out[..., channel][r::2, c::2] = raw[r::2, c::2]
        out[..., channel][r::2, 1 - c :: 2] = along[r::2, 1 - c :: 2]
        out[..., channel][1 - r :: 2, c::2] = across[1 - r :: 2, c::2]
        out[..., channel][1 - r :: 2, 1 - c :: 2] = diagonal[1 - r :: 2, 1 - c :: 2]
        out[..., 1][r::2, c::2] = green[r::2, c::2]
        out[..., 1][r::2, 1 - c :: 2] = raw[r::2, 1 - c :: 2]
    return out


def _filters(raw: Array) -> tuple[Array, Array, Array, Array]:
    """Four estimates at every pixel: green at red or blue; a colour from its own row, from its own
    column, and from diagonals.
    """
    rows, columns = raw.shape
    padded = np.pad(raw, 2, mode="reflect")

    def at(down: int, right: int) -> Array:
        return padded[2 + down : 2 + down + rows, 2 + right : 2 + right + columns]

    near_row, near_column = at(0, -1) + at(0, 1), at(-1, 0) + at(1, 0)
    far_row, far_column = at(0, -2) + at(0, 2), at(-2, 0) + at(2, 0)
    corners = (at(-1, -1) + at(-1, 1)) + (at(1, -1) + at(1, 1))
    # Whole numbers and halves until the division by 8, a power of two: exact for 8-bit values.
    near, far = near_row + near_column, far_row + far_column
    green = (4 * raw + 2 * near - far) / 8
    along = (5 * raw + 4 * near_row - far_row - corners + far_column / 2) / 8
    across = (5 * raw + 4 * near_column - far_column - corners + far_row / 2) / 8
    return green, along, across, (6 * raw + 2 * corners - 1.5 * far) / 8

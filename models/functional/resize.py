"""Resizing to any size by six methods, exact: every order of summation gives the same bits on
every machine.

Convention: centre-aligned; output y lies at (y + 0.5) n_in / n_out - 0.5 of the input, and covers
n_in / n_out of it. Weights lie on a grid of 2**-20, and so do the samples that each of the two
passes gets (8-bit samples and what the first pass makes of them do; others are rounded to it), so
that all sums are exact in float64. Each pass is a banded matrix, taken as dense blocks along its
diagonal, which is what processors multiply fastest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.transforms import round_to

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Method = Literal["matlab_bicubic", "imresize", "bicubic", "bilinear", "area", "nearest"]
GRID = 1 << 20
BLOCK = 16
"""Outputs of one dense block; half of them where many inputs make one. The fastest measured."""
MANY = 1.5
"""Inputs per output, from here on."""
AT_ONCE = 1 << 17
"""Samples that are worked on at a time, in float64."""


def bicubic_down(image: NDArray[np.generic], factor: int) -> Array:
    """Downscale (H, W, C) by an integer factor to (H // factor, W // factor, C) float64; trailing
    rows and columns that do not fill a block are left out. Range as the input's, with overshoot.
    Not rounded, borders mirrored: for what MATLAB makes of 8-bit images see `imresize_down`.

    Raises:
        ValueError: if the image is smaller than the factor.
    """
    image = whole_blocks(image, factor)
    return resize(image, image.shape[0] // factor, image.shape[1] // factor, "matlab_bicubic")


def whole_blocks(image: NDArray[Any], factor: int) -> NDArray[Any]:
    """(H, W, C) without the trailing rows and columns that do not fill a block of `factor`.

    Raises:
        ValueError: if nothing is left.
    """
    height, width = (side // factor * factor for side in image.shape[:2])
    if min(height, width) < 1:
        raise ValueError(
            f"image of {image.shape[0]} x {image.shape[1]} cannot be downscaled by {factor}"
        )
    return image[:height, :width]


def bicubic_up(image: NDArray[np.generic], factor: int) -> Array:
    """Upscale (H, W, C) by an integer factor to (factor H, factor W, C) float64, with overshoot."""
    return resize(image, image.shape[0] * factor, image.shape[1] * factor, "matlab_bicubic")


def to_uint8(image: Array) -> NDArray[np.uint8]:
    """Clip to [0, 255] and round half up, once."""
    shifted = np.add(image, 0.5)
    # The cast cuts what is positive as a floor does, so 0.5 more is half up.
    return np.clip(shifted, 0.0, 255.5, out=shifted).astype(np.uint8)


def resize(
    image: NDArray[np.generic], height: int, width: int, method: Method = "matlab_bicubic"
) -> Array:
    """Resample an image.

    Args:
        image: (H, W, C), uint8, or float64 below 2**10 in size, which is rounded to multiples of
            2**-20 first.
        height: Rows of the result.
        width: Columns of the result.
        method: `matlab_bicubic`: cubic with a = -0.5, as wide as the outputs are apart when
            downscaling, borders mirrored with the edge sample repeated; `imresize`: the same, but
            the edge sample continues; `bicubic`: a = -0.75, never wider, the edge sample continues,
            as OpenCV and torch; `bilinear`: the same for the triangle; `area`: mean of what the
            output covers, as OpenCV, when upscaling too; `nearest`: the nearest sample; the mean of
            two that are equally near, so that the image does not move.

    Returns:
        (height, width, C) float64, with the overshoot of the bicubic methods.
    """
    rows, columns = band(image.shape[0], height, method), band(image.shape[1], width, method)
    rounded = image.dtype != np.uint8
    if rounded:
        image = round_to(np.asarray(image, np.float64), 1 / GRID)
    out = np.empty((height, width, image.shape[2]))
    for part in strips(image, height):
        # Rows, rounding, columns: the rounding between is part of the result, so the order is too.
        strip = along_rows(image, rows, part)
        if rounded:
            round_to(strip, 1 / GRID, strip)
        out[part] = turned(along_rows(turned(strip), columns, slice(0, width)))
    return out


def strips(image: NDArray[Any], height: int) -> Iterator[slice]:
    """Rows of a result of `height` that are worked on at a time; each begins at a block."""
    step = BLOCK * max(1, AT_ONCE // (BLOCK * image.shape[1] * image.shape[2]))
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


@dataclass(frozen=True, eq=False)
class Band:
    """The matrix that resizes one axis, as dense blocks along its diagonal."""

    blocks: Array
    """(blocks, outputs of a block, inputs of a block): weights; rows beyond the last output are
    0."""
    inputs: list[slice | Indices]
    """Which they are, for each block: a range, or places where some lie beyond the axis and are
    found in it."""


def along_rows(image: NDArray[Any], matrix: Band | None, outputs: slice) -> Array:
    """Some rows of the result, which start at a block, of all rows of (H, W, C) on the grid."""
    lines = image.reshape(len(image), -1)
    if matrix is None:
        out = lines[outputs].astype(np.float64)
    else:
        out = np.empty((outputs.stop - outputs.start, lines.shape[1]))
        step = matrix.blocks.shape[1]
        for top in range(0, len(out), step):
            number, target = (outputs.start + top) // step, out[top : top + step]
            # BLAS sums in any order: products of samples and weights on their grids, and all sums
            # of them, fit into 53 bits.
            seen = lines[matrix.inputs[number]]
            block = matrix.blocks[number, : len(target)]
            np.matmul(block, seen.astype(np.float64, copy=False), out=target)
    return out.reshape(-1, *image.shape[1:])


def turned(image: NDArray[Any]) -> NDArray[Any]:
    """(H, W, C) to (W, H, C)."""
    # OpenCV drops the axis of a single channel, hence the reshape.
    return np.asarray(cv2.transpose(image)).reshape(image.shape[1], image.shape[0], -1)


@lru_cache(maxsize=128)
def band(inputs: int, outputs: int, method: Method, grid: int = GRID) -> Band | None:
    """The matrix that resizes an axis of `inputs` samples to `outputs`, its weights multiples of
    1 / `grid`; none where nothing changes.
    """
    if inputs == outputs:
        return None
    positions, weights = taps(inputs, outputs, method, grid)
    block = BLOCK // 2 if inputs >= MANY * outputs else BLOCK
    blocks = -(-outputs // block)
    first = positions[::block, 0].copy()
    within = positions - np.repeat(first, block)[:outputs, None]
    dense = np.zeros((blocks * block, int(within.max()) + 1))
    dense[np.arange(outputs)[:, None], within] = weights
    if method == "matlab_bicubic":
        # OpenCV's REFLECT repeats the edge sample; REFLECT_101 would not.
        border = cv2.BORDER_REFLECT
    else:
        border = cv2.BORDER_REPLICATE
    before = max(0, -int(first.min()))
    after = max(0, int(first.max()) + dense.shape[1] - inputs)
    axis = np.arange(inputs, dtype=np.int32)[:, None]
    found = cv2.copyMakeBorder(axis, before, after, 0, 0, border).ravel().astype(np.int64)
    # Ranges are not copied; most blocks see nothing beyond the axis.
    ranges = [slice(start, start + dense.shape[1]) for start in first.tolist()]
    seen = [
        part
        if part.start >= 0 and part.stop <= inputs
        else found[part.start + before : part.stop + before]
        for part in ranges
    ]
    return Band(dense.reshape(blocks, block, -1), seen)


def taps(
    inputs: int, outputs: int, method: Method, grid: int = GRID, only: Indices | None = None
) -> tuple[Indices, Array]:
    """Which samples make each output, and with what weights.

    Args:
        inputs, outputs: samples of the axis before and after.
        method: interpolation.
        grid: see below.
        only: the outputs that are asked for, beyond the ends too; none for all of the axis.

    Returns:
        Positions, (outputs, taps), running on beyond both ends of the axis, and weights that are
        multiples of 1 / `grid`, of sum 1.
    """
    ratio = inputs / outputs
    wanted = np.arange(outputs) if only is None else only
    # Centres in units of 1 / (2 outputs): integers, so that no tie between samples is lost.
    twice = (2 * wanted + 1) * inputs - outputs
    reach, shape = _SHAPES[method](ratio)
    # From the last sample at or before the left end of the kernel to beyond its right end; weights
    # outside are 0.
    first = np.floor_divide(twice - round(2 * outputs * reach), 2 * outputs)
    positions = first[:, None] + np.arange(math.ceil(2 * reach) + 2)[None]
    distances = (twice[:, None] - 2 * outputs * positions) / (2.0 * outputs)
    weights = shape(distances)
    return positions, _on_grid(weights / weights.sum(axis=1, keepdims=True), grid)


def cubic(t: Array, a: float = -0.5) -> Array:
    """Keys' cubic, zero outside [-2, 2]; a = -0.5 is MATLAB's."""
    t = np.abs(t)
    inner = (a + 2) * t**3 - (a + 3) * t**2 + 1
    outer = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return np.where(t <= 1, inner, np.where(t <= 2, outer, 0.0))


def _matlab(ratio: float) -> tuple[float, Callable[[Array], Array]]:
    stretch = max(1.0, ratio)  # antialiasing widens the cubic
    return 2 * stretch, lambda distance: cubic(distance / stretch)


def _bicubic(_ratio: float) -> tuple[float, Callable[[Array], Array]]:
    return 2.0, lambda distance: cubic(distance, -0.75)


def _bilinear(_ratio: float) -> tuple[float, Callable[[Array], Array]]:
    return 1.0, lambda distance: np.maximum(1 - np.abs(distance), 0.0)


def _area(ratio: float) -> tuple[float, Callable[[Array], Array]]:
    """Overlap of the cell of an input, one wide, with that of the output, `ratio` wide."""
    return (ratio + 1) / 2, lambda distance: np.clip(
        (ratio + 1) / 2 - np.abs(distance), 0.0, min(1.0, ratio)
    )


def _nearest(_ratio: float) -> tuple[float, Callable[[Array], Array]]:
    # Both samples of a tie are let in; division by their sum makes each a half.
    return 0.5, lambda distance: (np.abs(distance) <= 0.5).astype(np.float64)


_SHAPES: dict[Method, Callable[[float], tuple[float, Callable[[Array], Array]]]] = {
    "matlab_bicubic": _matlab,
    "imresize": _matlab,
    "bicubic": _bicubic,
    "bilinear": _bilinear,
    "area": _area,
    "nearest": _nearest,
}
"""Half width of each method's kernel in input samples, and its weight at a distance, by the inputs
per output."""


def _on_grid(weights: Array, grid: int) -> Array:
    """Rows rounded to multiples of 1 / `grid` that sum to exactly 1; the largest weight takes the
    remainder.
    """
    fixed = np.round(weights * grid)
    rows = np.arange(len(fixed))
    # The sum must be exactly 1, or flat areas would change their level.
    fixed[rows, weights.argmax(axis=1)] += grid - fixed.sum(axis=1)
    return np.asarray(fixed / grid)

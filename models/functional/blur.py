"""Correlation of an image with a kernel, exactly: every way to compute it gives the same bits on
every machine.

Kernels lie on the grid of 2**-16, images on the grid of 2**-16 too (8-bit ones do; others are
rounded to it first), so the true result is a multiple of 2**-32, or of 2**-16 for 8-bit images. Two
ways lead to it:

- `correlate`, one matrix product, for 8-bit images: of int8 digits where the processor has units
  for them (`integer.py`), else, of kernels that are nowhere negative, in float32, where every
  partial sum is an integer below 2**24 in units of 2**-16, which it holds exactly. It computes only
  every s-th pixel, if so wished.
- `correlate_by_fft`, Fourier transforms, for all others and for large kernels (`transforms.py`).

`blur` takes the faster of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from pairmill.models.functional import integer
from pairmill.models.functional.transforms import BORDERS, UNIT, Border, correlate_by_fft

Array = NDArray[np.float64]
Planes = NDArray[np.uint8] | NDArray[np.float32]
Sums = NDArray[np.int32] | NDArray[np.float32]
BLOCK = (4, 8)
"""Rows and columns of the block of outputs that one row of the matrix product makes; the fastest of
those measured."""
AT_ONCE = 1 << 20
"""Bytes of the left matrix that are laid out at once: they stay in the cache."""
BLOCKS_PAY = 250
"""Products per sample of the input up to which blocks are faster than transforms, measured."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A kernel made ready for `correlate` at one scale."""

    matrix: NDArray[np.float32]
    """(window rows * window columns, outputs of a block), in units of 2**-16."""
    split: NDArray[np.int8] | None
    """The matrix as digits, if they can be used here."""
    size: int
    """Side of the kernel without its empty rim, odd."""
    scale: int
    """Distance between outputs, in input pixels."""

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns of input that one block of outputs sees."""
        return window(self.size, self.scale)


def window(size: int, scale: int) -> tuple[int, int]:
    """Rows and columns of input that one block of outputs sees, for a kernel of this side."""
    return (BLOCK[0] - 1) * scale + size, (BLOCK[1] - 1) * scale + size


def on_grid(kernel: Array) -> bool:
    """Whether a kernel is of sum 1 and a multiple of 2**-16: what exact correlation asks for."""
    fixed = kernel * UNIT
    return bool((fixed == np.rint(fixed)).all() and fixed.sum() == UNIT)


def block_matrix(kernel: Array, scale: int) -> Blocks:
    """Make a kernel ready.

    Args:
        kernel: (k, k) correlation kernel on the 2**-16 grid, k odd; see `has_blocks`.
        scale: Distance between outputs, in input pixels.

    Raises:
        ValueError: if the kernel is not square, odd and on the grid, or has no blocks here.
    """
    size = kernel.shape[0]
    if kernel.shape != (size, size) or size % 2 == 0 or not on_grid(kernel):
        raise ValueError(
            f"kernel of shape {kernel.shape} must be odd, square and on the 2**-16 grid with sum 1"
        )
    if not has_blocks(kernel):
        raise ValueError(
            "a kernel with negative weights is multiplied in integers, which fails here"
        )
    kernel = _without_rim(kernel)
    blocks = np.zeros((*window(len(kernel), scale), *BLOCK), np.float32)
    for row, column in np.ndindex(*BLOCK):
        top, left = row * scale, column * scale
        blocks[top : top + len(kernel), left : left + len(kernel), row, column] = kernel * UNIT
    matrix = blocks.reshape(-1, BLOCK[0] * BLOCK[1])
    # Two signed digits end at `integer.LARGEST`: a kernel that is nearly one cell is multiplied in
    # float32.
    split = None
    if np.abs(matrix).max() <= integer.LARGEST and integer.available():
        split = integer.digits(matrix.astype(np.int64))
    return Blocks(matrix, split, len(kernel), scale)


def has_blocks(kernel: Array) -> bool:
    """Whether `correlate` is exact here.

    Weights of one sign have partial sums below their sum of 1; of both signs they may go beyond
    2**24 in units of 2**-16, which float32 does not hold exactly, while int32 does.
    """
    if (kernel >= 0).all():
        return True
    return bool(np.abs(kernel).max() * UNIT <= integer.LARGEST) and integer.available()


def _without_rim(kernel: Array) -> Array:
    """The smallest centred odd part of a kernel that holds all that is not zero."""
    if kernel[0].any():
        return kernel
    middle = len(kernel) // 2
    # One reach for all sides: the middle stays the middle, else LR would move against HR.
    places = np.divmod(np.flatnonzero(kernel), len(kernel))
    reach = int(np.abs(np.subtract(places, middle)).max())
    return kernel[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]


def blur(
    image: NDArray[np.generic], kernel: Array, border: Border = "mirror", scale: int = 1
) -> Array:
    """LR[i, j] = sum over u, v of k[u, v] HR[s i + u - k // 2, s j + v - k // 2], exactly.

    Args:
        image: (H, W, C), uint8, or float64 below 2**11 in size, which is rounded to multiples of
            2**-16 first.
        kernel: (k, k) on the 2**-16 grid with sum 1, k odd; the sum of its absolute values stays
            below 8.
        border: `mirror` repeats the edge sample, `reflect` does not, `wrap` continues at the other
            side.
        scale: s; only every s-th row and column is computed.

    Returns:
        (ceil(H / s), ceil(W / s), C) float64, multiples of 2**-16 for uint8, of 2**-32 else.
    """
    # By its bytes, since arrays cannot be keys of a cache; samples of a pool share their kernels.
    data, size = kernel.tobytes(), len(kernel)
    if image.dtype == np.uint8:
        blocks = _blocks(data, size, scale)
        if blocks:
            return correlate(np.asarray(image, np.uint8), blocks, border)
    return correlate_by_fft(image, _trimmed(data, size), border, scale)


@lru_cache(maxsize=64)
def _trimmed(data: bytes, size: int) -> Array:
    """The kernel without its empty rim."""
    return _without_rim(np.frombuffer(data).reshape(size, size))


@lru_cache(maxsize=64)
def _blocks(data: bytes, size: int, scale: int) -> Blocks | None:
    """The kernel as blocks, where these are faster than transforms."""
    trimmed = _trimmed(data, size)
    rows, columns = window(len(trimmed), scale)
    # Products per output against samples per output: one in s * s samples is an output.
    cheap = rows * columns < BLOCKS_PAY * scale**2
    return block_matrix(trimmed, scale) if cheap and has_blocks(trimmed) else None


def correlate(image: NDArray[np.uint8], blocks: Blocks, border: Border = "mirror") -> Array:
    """See `blur`; as one matrix product.

    Args:
        image: (H, W, C) uint8.
        blocks: Kernel and scale s.
        border: What lies beyond the border.

    Returns:
        (ceil(H / s), ceil(W / s), C) float64 in [0, 255], multiples of 2**-16.
    """
    scale = blocks.scale
    out = -(-image.shape[0] // scale), -(-image.shape[1] // scale)
    grid = -(-out[0] // BLOCK[0]), -(-out[1] // BLOCK[1])
    step = BLOCK[0] * scale, BLOCK[1] * scale
    # Whole blocks only: what the last ones make beyond the image is cut off again below.
    sides = ((grid[axis] - 1) * step[axis] + blocks.window[axis] for axis in (0, 1))
    planes = _padded_planes(image, blocks.size // 2, next(sides), next(sides), border, blocks)
    merged = _merged(_products(_windows(planes, grid, step, blocks.window), blocks))[
        : out[0], : out[1]
    ]
    # Exact: the unit is a power of two.
    return np.multiply(merged, 1 / UNIT, dtype=np.float64)


def _windows(
    planes: Planes, grid: tuple[int, int], step: tuple[int, int], window: tuple[int, int]
) -> NDArray[np.void]:
    """(C, columns, rows): the samples that each block of outputs sees, as one item each; they share
    memory.

    Columns are laid out first, each as wide as a window, so that the rows of a window follow one
    another.
    """
    plane, row, item = planes.strides
    # Items of nameless bytes, so that numpy copies whole lines of a window instead of samples.
    line = np.dtype((np.void, window[1] * item))
    shape = len(planes), grid[1], planes.shape[1]
    lines = np.ascontiguousarray(
        np.ndarray(shape, line, planes, strides=(plane, step[1] * item, row))
    )
    whole = np.dtype((np.void, window[0] * line.itemsize))
    # Not the strides of `lines`: numpy leaves those of an axis of one item open.
    column = shape[2] * line.itemsize
    strides = grid[1] * column, column, step[0] * line.itemsize
    return np.ndarray((*shape[:2], grid[0]), whole, lines, strides=strides)


def _products(windows: NDArray[np.void], blocks: Blocks) -> Sums:
    """(C, columns, rows, outputs of a block): the windows times the matrix, some columns of blocks
    at a time.
    """
    channels, columns, rows = windows.shape
    inputs, outputs = blocks.matrix.shape
    exact = blocks.split is not None
    sums = np.empty((channels * columns, rows, outputs), np.int32 if exact else np.float32)
    # Columns of all channels follow one another, at one distance.
    lines = as_strided(windows, (channels * columns, rows), windows.strides[1:])
    count = max(1, AT_ONCE // (rows * windows.itemsize))
    for first in range(0, len(lines), count):
        part = slice(first, first + count)
        left, out = np.ascontiguousarray(lines[part]), sums[part].reshape(-1, outputs)
        if blocks.split is None:
            np.matmul(left.view(np.float32).reshape(-1, inputs), blocks.matrix, out=out)
        else:
            integer.product(left.view(np.int8).reshape(-1, inputs), blocks.split, out)
    return sums.reshape(channels, columns, rows, outputs)


def _merged(sums: Sums) -> Sums:
    """Blocks (C, columns, rows, outputs of a block) as an image, (height, width, C), whole numbers
    of 2**-16.
    """
    channels, columns, rows = sums.shape[:3]
    line = np.dtype((np.void, BLOCK[1] * sums.itemsize))
    planes = np.empty((channels, rows, BLOCK[0], columns), line)
    np.copyto(planes, sums.view(line).transpose(0, 2, 3, 1))
    height, width = rows * BLOCK[0], columns * BLOCK[1]
    merged: Sums = cv2.merge(list(planes.view(sums.dtype).reshape(channels, height, width)))
    merged = merged.reshape(height, width, channels)
    if sums.dtype == np.float32:
        return merged
    # Weights sum to 1, so what was taken from every pixel comes back whole.
    return np.add(merged, integer.CENTRE * UNIT, out=merged)


def _padded_planes(
    image: NDArray[np.uint8], before: int, height: int, width: int, border: Border, blocks: Blocks
) -> Planes:
    """(C, height, width): the image continued beyond its borders, cut or filled with what no kept
    output sees.

    For digits centred, less 128, as the bits of int8; else float32.
    """
    if blocks.split is None:
        centred = image
    else:
        # p xor 128, read as int8, is p - 128.
        centred = np.bitwise_xor(image, integer.CENTRE)
    after = (
        max(0, size - before - length)
        for size, length in zip((height, width), image.shape[:2], strict=True)
    )
    padded = cv2.copyMakeBorder(centred, before, next(after), before, next(after), BORDERS[border])
    planes = np.empty((image.shape[2], height, width), np.uint8)
    # OpenCV drops the axis of a single channel, hence the reshape.
    cv2.split(padded.reshape(*padded.shape[:2], image.shape[2])[:height, :width], list(planes))
    if blocks.split is not None:
        return planes
    return planes.astype(np.float32)

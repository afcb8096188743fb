"""Correlation of an image with a kernel, sampled every s pixels, as one matrix product.

Kernels of a pool are non-negative multiples of 2**-16 with sum 1. For 8-bit pixels every partial sum is then an integer
below 2**24 in units of 2**-16, which float32 holds exactly: any BLAS, any order and any processor give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

UNIT = 1 << 16
BLOCK = (4, 8)
"""Rows and columns of the block of outputs that one row of the matrix product makes; the fastest of those measured."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A kernel made ready for `correlate` at one scale."""

    matrix: NDArray[np.float32]
    """(window rows * window columns, outputs of a block), in units of 2**-16."""
    size: int
    """Side of the kernel without its empty rim, odd."""
    scale: int
    """Distance between outputs, in input pixels."""

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns of input that one block of outputs sees."""
        return (BLOCK[0] - 1) * self.scale + self.size, (BLOCK[1] - 1) * self.scale + self.size


def on_grid(kernel: NDArray[np.float64]) -> bool:
    """Whether a kernel is non-negative, of sum 1, and a multiple of 2**-16: what exact correlation asks for."""
    fixed = kernel * UNIT
    return bool((kernel >= 0).all() and (fixed == np.rint(fixed)).all() and fixed.sum() == UNIT)


def block_matrix(kernel: NDArray[np.float64], scale: int) -> Blocks:
    """Make a kernel ready.

    Args:
        kernel: (k, k) correlation kernel on the 2**-16 grid, k odd.
        scale: Distance between outputs, in input pixels.

    Raises:
        ValueError: if the kernel is not square, odd and on the grid.
    """
    size = kernel.shape[0]
    if kernel.shape != (size, size) or size % 2 == 0 or not on_grid(kernel):
        raise ValueError(f"kernel of shape {kernel.shape} must be odd, square and on the 2**-16 grid with sum 1")
    kernel = _without_rim(kernel)
    blocks = Blocks(np.zeros((0, 0), np.float32), len(kernel), scale)
    matrix = np.zeros((*blocks.window, *BLOCK), np.float32)
    for row, column in np.ndindex(*BLOCK):
        top, left = row * scale, column * scale
        matrix[top : top + blocks.size, left : left + blocks.size, row, column] = kernel * UNIT
    return Blocks(matrix.reshape(-1, BLOCK[0] * BLOCK[1]), blocks.size, scale)


def _without_rim(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest centred odd part of a kernel that holds all that is not zero."""
    middle = len(kernel) // 2
    reach = int(np.abs(np.argwhere(kernel) - middle).max())
    return kernel[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]


def correlate(image: NDArray[np.uint8], blocks: Blocks) -> NDArray[np.float64]:
    """LR[i, j] = sum over u, v of k[u, v] HR[s i + u - k // 2, s j + v - k // 2], exactly.

    Args:
        image: (H, W, C) uint8; borders are mirrored with the edge sample repeated.
        blocks: Kernel and scale s.

    Returns:
        (ceil(H / s), ceil(W / s), C) float64 in [0, 255], multiples of 2**-16.
    """
    channels, scale = image.shape[2], blocks.scale
    out = -(-image.shape[0] // scale), -(-image.shape[1] // scale)
    grid = -(-out[0] // BLOCK[0]), -(-out[1] // BLOCK[1])
    step = BLOCK[0] * scale, BLOCK[1] * scale
    rows, columns = ((grid[axis] - 1) * step[axis] + blocks.window[axis] for axis in (0, 1))
    planes = _padded_planes(image, blocks.size // 2, rows, columns)
    plane, row, item = planes.strides
    windows = as_strided(planes, (channels, *grid, *blocks.window), (plane, row * step[0], item * step[1], row, item))
    sums = windows.reshape(-1, len(blocks.matrix)) @ blocks.matrix
    tiles = sums.reshape(channels, *grid, *BLOCK).transpose(1, 3, 2, 4, 0)
    whole = tiles.reshape(grid[0] * BLOCK[0], grid[1] * BLOCK[1], channels)[: out[0], : out[1]]
    return np.asarray(np.multiply(whole, 1 / UNIT, dtype=np.float64))


def _padded_planes(image: NDArray[np.uint8], before: int, height: int, width: int) -> NDArray[np.float32]:
    """(C, height, width) float32: the image mirrored at its borders, cut or filled with what no kept output sees."""
    after = (max(0, size - before - length) for size, length in zip((height, width), image.shape[:2], strict=True))
    mirrored = cv2.copyMakeBorder(image, before, next(after), before, next(after), cv2.BORDER_REFLECT)
    mirrored = mirrored.reshape(*mirrored.shape[:2], image.shape[2])[:height, :width]
    planes = np.empty((image.shape[2], height, width), np.float32)
    for channel, plane in enumerate(cv2.split(mirrored)):
        planes[channel] = plane
    return planes

"""Correlation of an image with a kernel, sampled every s pixels, as one matrix product.

Kernels of a pool are non-negative multiples of 2**-16 with sum 1. For 8-bit pixels every partial sum is then an integer
below 2**24 in units of 2**-16, which float32 holds exactly: any BLAS, any order and any processor give the same bits.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

UNIT = 1 << 16
BLOCK = 8
"""Side of the block of outputs that one row of the matrix product makes."""


def on_grid(kernel: NDArray[np.float64]) -> bool:
    """Whether a kernel is non-negative, of sum 1, and a multiple of 2**-16: what exact correlation asks for."""
    fixed = kernel * UNIT
    return bool((kernel >= 0).all() and (fixed == np.rint(fixed)).all() and fixed.sum() == UNIT)


def block_matrix(kernel: NDArray[np.float64], scale: int) -> NDArray[np.float32]:
    """The matrix that maps a window of (n, n) samples, n = (BLOCK - 1) scale + k, to BLOCK x BLOCK outputs.

    Args:
        kernel: (k, k) correlation kernel on the 2**-16 grid, k odd.
        scale: distance between outputs, in input pixels.

    Returns:
        (n * n, BLOCK * BLOCK) float32, in units of 2**-16.

    Raises:
        ValueError: if the kernel is not square, odd and on the grid.
    """
    size = kernel.shape[0]
    if kernel.shape != (size, size) or size % 2 == 0 or not on_grid(kernel):
        raise ValueError(f"kernel of shape {kernel.shape} must be odd, square and on the 2**-16 grid with sum 1")
    side = (BLOCK - 1) * scale + size
    matrix = np.zeros((side, side, BLOCK, BLOCK), np.float32)
    for row in range(BLOCK):
        for column in range(BLOCK):
            matrix[row * scale : row * scale + size, column * scale : column * scale + size, row, column] = kernel * UNIT
    return matrix.reshape(side * side, BLOCK * BLOCK)


def correlate(
    image: NDArray[np.uint8], matrix: NDArray[np.float32], size: int, scale: int
) -> NDArray[np.float64]:
    """LR[i, j] = sum over u, v of k[u, v] HR[s i + u - k // 2, s j + v - k // 2], exactly.

    Args:
        image: (H, W, C) uint8; borders are mirrored with the edge sample repeated.
        matrix: of `block_matrix(kernel, scale)`.
        size: k, the side of the kernel.
        scale: s, the distance between outputs.

    Returns:
        (ceil(H / s), ceil(W / s), C) float64 in [0, 255], multiples of 2**-16.
    """
    height, width, channels = image.shape
    out_height, out_width = -(-height // scale), -(-width // scale)
    blocks = (-(-out_height // BLOCK), -(-out_width // BLOCK))
    side, step = (BLOCK - 1) * scale + size, BLOCK * scale
    planes = _padded_planes(image, size // 2, (blocks[0] - 1) * step + side, (blocks[1] - 1) * step + side)
    plane, row, item = planes.strides
    windows = as_strided(planes, (channels, *blocks, side, side), (plane, row * step, item * step, row, item))
    sums = windows.reshape(-1, side * side) @ matrix
    tiles = sums.reshape(channels, *blocks, BLOCK, BLOCK).transpose(1, 3, 2, 4, 0)
    whole = tiles.reshape(blocks[0] * BLOCK, blocks[1] * BLOCK, channels)
    return whole[:out_height, :out_width].astype(np.float64) / UNIT


def _padded_planes(image: NDArray[np.uint8], before: int, height: int, width: int) -> NDArray[np.float32]:
    """(C, height, width) float32: the image mirrored at its borders, then zeros that no kept output sees."""
    mirrored = cv2.copyMakeBorder(image, before, before, before, before, cv2.BORDER_REFLECT)
    mirrored = mirrored.reshape(*mirrored.shape[:2], image.shape[2])
    planes = np.zeros((image.shape[2], height, width), np.float32)
    rows, columns = min(height, mirrored.shape[0]), min(width, mirrored.shape[1])
    planes[:, :rows, :columns] = mirrored[:rows, :columns].transpose(2, 0, 1)
    return planes

"""What is known of how LR was made, as tensors, and how kernels turn with their images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]


class Labels(NamedTuple):
    """How the LR of a batch was made; of one crop the same without the first axis."""

    kernel: Tensor
    """(B, K, K) float32, K odd, each with sum 1: LR[i] = sum_u kernel[u] HR[s i + u - K // 2] along
    each axis, with its mass about K // 2 + (s - 1) / 2."""
    noise: Tensor
    """(B, 1, h, w) float32, at the size of the LR: standard deviation of its noise, in [0, 1]."""
    quality: Tensor
    """(B,) float32: quality of the last codec, 0 to 100, not-a-number where there was none."""


def turned_kernel(kernel: Array, position: int, scale: int) -> Array:
    """The kernel of a pair that was flipped or rotated.

    Where HR and LR are mirrored, LR'[i] = LR[n - 1 - i] and HR'[j] = HR[s n - 1 - j], so that
    k'[u] = k[2 (K // 2) + s - 1 - u]: mirrored about K // 2 + (s - 1) / 2, not about the middle.

    Args:
        kernel: (K, K); its first s - 1 rows and columns are 0, as they have no image on the grid.
        position: bit 2 exchanges rows and columns, then bit 1 mirrors the rows, bit 0 the columns.
        scale: s.
    """
    if position & 4:
        kernel = kernel.swapaxes(0, 1)
    for axis, bit in ((0, 2), (1, 1)):
        if position & bit:
            kernel = np.roll(np.flip(kernel, axis), scale - 1, axis)
    return kernel

"""What is known of how LR was made, as tensors; how images turn, and kernels with them."""

from __future__ import annotations

from typing import Any, NamedTuple

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
    """The kernel of a pair that was flipped or rotated, a copy.

    Where HR and LR are mirrored, LR'[i] = LR[n - 1 - i] and HR'[j] = HR[s n - 1 - j], so that
    k'[u] = k[2 (K // 2) + s - 1 - u]: mirrored about K // 2 + (s - 1) / 2, the middle of all but
    the first s - 1 rows and columns.

    Args:
        kernel: (K, K); its first s - 1 rows and columns are 0, as they have no image on the grid.
        position: bit 2 exchanges rows and columns, then bit 1 mirrors the rows, bit 0 the columns.
        scale: s.
    """
    out = np.zeros_like(kernel)
    window = slice(scale - 1, None), slice(scale - 1, None)
    out[window] = turn(kernel[window], position)
    return out


def turn(image: NDArray[Any], position: int) -> NDArray[Any]:
    """Flip or rotate: bit 2 exchanges rows and columns, bit 1 mirrors the rows, bit 0 the
    columns.
    """
    if position & 4:
        image = image.swapaxes(0, 1)
    if position & 2:
        image = image[::-1]
    if position & 1:
        image = image[:, ::-1]
    return image

"""Pairs that an image gives of itself: the father as it is, under flips and rotations, and the son,
the father downscaled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.functional.blur import blur
from pairmill.models.functional.imresize import imresize_down
from pairmill.models.functional.resize import bicubic_down, to_uint8, whole_blocks
from pairmill.models.inference.ensemble import POSITIONS, turned

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

ALIKE = 0.05
"""Sum of absolute differences up to which a kernel and itself turned count as one."""


def downscale(image: Image, kernel: Array | None, scale: int) -> Image:
    """(H, W, 3) uint8 to (H // scale, W // scale, 3) uint8, rounded as photographs are.

    Args:
        image: whole blocks of `scale` are taken.
        kernel: (k, k) on the grid of 2**-16, centred for `scale`; none for MATLAB's bicubic.
        scale: factor.
    """
    if kernel is None:
        return imresize_down(image, scale)
    return to_uint8(blur(whole_blocks(image, scale), kernel, scale=scale))


def downscale_exactly(image: Array, kernel: Array | None, scales: Sequence[int]) -> Array:
    """The same of float64, not rounded, by factors one after another; bicubic by all at once."""
    if kernel is None:
        return bicubic_down(image, math.prod(scales))
    for scale in scales:
        image = blur(whole_blocks(image, scale), kernel, scale=scale)
    return image


def pairs(image: Image, kernel: Array | None, scale: int) -> list[tuple[Image, Image]]:
    """Father and son under the eight flips and rotations, the first as the image is.

    The father is turned before it is downscaled, so that the kernel is the same for all, also one
    that is not symmetric.
    """
    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
    fathers = []
    for position in POSITIONS:
        father = turned(planes, position)[0].permute(1, 2, 0).numpy()
        fathers.append(np.ascontiguousarray(whole_blocks(father, scale)))
    return [(father, downscale(father, kernel, scale)) for father in fathers]


def symmetries(kernel: Array | None, scale: int) -> tuple[int, ...]:
    """The flips and rotations that leave a kernel as it is; all for bicubic.

    An image that is turned was downscaled with the kernel turned. A network that has learned one
    kernel must not see images of another, so the ensemble is over these alone.
    """
    if kernel is None:
        return tuple(POSITIONS)
    # Without what has no counterpart on the other side of the centre of mass.
    core = torch.from_numpy(np.ascontiguousarray(kernel[scale - 1 :, scale - 1 :]))[None, None]
    return tuple(
        position
        for position in POSITIONS
        if float((turned(core, position) - core).abs().sum()) <= ALIKE
    )


def tensor(image: NDArray[np.generic]) -> Tensor:
    """(H, W, 3), 0 to 255, as (1, 3, H, W) float32 in [0, 1]."""
    planes = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
    return torch.from_numpy(planes)[None] / 255

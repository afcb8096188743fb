"""Self-ensemble: the mean of what a network makes of an image under the eight flips and
rotations.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

POSITIONS = range(8)
"""Bit 2 exchanges rows and columns, then bit 1 mirrors the rows and bit 0 the columns."""


def turned(images: Tensor, position: int) -> Tensor:
    """(B, C, H, W) under one of eight flips and rotations."""
    if position & 4:
        images = images.transpose(2, 3)
    axes = [axis for axis, bit in ((2, 2), (3, 1)) if position & bit]
    return images.flip(axes) if axes else images


def turned_back(images: Tensor, position: int) -> Tensor:
    """The inverse of `turned`."""
    axes = [axis for axis, bit in ((2, 2), (3, 1)) if position & bit]
    images = images.flip(axes) if axes else images
    if position & 4:
        return images.transpose(2, 3)
    return images


def ensembled(run: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A network that looks at its input under eight flips and rotations, one after the other, and
    takes the mean.

    Eight times as slow; needs no more memory than once. A network that turns with its input gains
    nothing. Source: EDSR, section 3.4 ("geometric self-ensemble").

    Args:
        run: (B, 3, h, w) to (B, 3, scale h, scale w).
    """

    def mean(lr: Tensor) -> Tensor:
        total = turned_back(run(turned(lr, 0).contiguous()), 0).float()
        for position in POSITIONS[1:]:
            total = total + turned_back(run(turned(lr, position).contiguous()), position)
        return total / len(POSITIONS)

    return mean

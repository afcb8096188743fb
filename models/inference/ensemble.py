"""Self-ensemble: the mean of what a network makes of an image under the eight flips and
rotations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from pairmill.models.archs.aware import Degradation

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


def told_turned(told: Degradation, position: int, scale: int) -> Degradation:
    """How LR under one of eight flips and rotations was made; see `functional.labels`: kernels are
    mirrored about K // 2 + (scale - 1) / 2, not about the middle.
    """
    kernel = told.kernel
    if position & 4:
        kernel = kernel.transpose(1, 2)
    for axis, bit in ((1, 2), (2, 1)):
        if position & bit:
            kernel = kernel.flip(axis).roll(scale - 1, axis)
    return Degradation(kernel, turned(told.noise, position))


def ensembled(
    run: Callable[..., Tensor], scale: int = 1, positions: Sequence[int] = POSITIONS
) -> Callable[..., Tensor]:
    """A network that looks at its input under eight flips and rotations, one after the other, and
    takes the mean.

    Eight times as slow; needs little more memory than once, for the images are summed as they come.
    A network that turns with its input gains
    nothing. Source: EDSR, section 3.4 ("geometric self-ensemble").

    Args:
        run: (B, 3, h, w), and how it was made if that is told, to (B, 3, scale h, scale w). One
            that assumes a kernel where nothing is told is to be told that, so that it is turned.
        scale: of a network that is told how LR was made.
        positions: those to look under, if not all eight.
    """

    def seen(lr: Tensor, told: Degradation | None, position: int) -> Tensor:
        image = turned(lr, position).contiguous()
        if told is None:
            return turned_back(run(image), position)
        return turned_back(run(image, told_turned(told, position, scale)), position)

    def mean(lr: Tensor, told: Degradation | None = None) -> Tensor:
        total = seen(lr, told, positions[0]).float()
        for position in positions[1:]:
            total = total + seen(lr, told, position)
        return total / len(positions)

    return mean

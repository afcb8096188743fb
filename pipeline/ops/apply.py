"""The one interpreter: a pure function from a program, an HR tile and pools to the LR tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops import OPS, blur, pooled
from pairmill.pipeline.ops.base import Image
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import Blur
from pairmill.schemas.ops.pooled import PooledBlur
from pairmill.schemas.ops.resize import Subsample
from pairmill.schemas.program import Program

SUBSAMPLED: dict[type, Callable[[Any, int, Image, Assets], Image]] = {
    PooledBlur: pooled.blur_subsample,
    Blur: blur.blur_subsample,
}
"""Ops that can leave out what the subsampling after them does not keep."""
Step = tuple[Op, ...]
"""An op, or a blur and the subsampling after it, which are one step with the same result."""


def apply(program: Program, hr: NDArray[np.uint8], assets: Assets) -> NDArray[np.uint8]:
    """Run a program.

    Args:
        program: Ops in order; it ends in 8 bits.
        hr: (H, W, 3) uint8 sRGB, sides multiples of the scale.
        assets: the pools that the program names.

    Returns:
        (H / scale, W / scale, 3) uint8, the same bits on every machine.

    Raises:
        ValueError: if the program does not lead to a uint8 image of that size.
        IntegrityError: if a pool or a row of one is missing.
    """
    image = run(steps_of(program.ops), hr, assets)
    return checked(program, image, (hr.shape[0] // program.scale, hr.shape[1] // program.scale))


class OneHr:
    """Programs on one HR tile, one after the other. A first step that several begin with in a row,
    such as the sharpening of all draws of a tile, is made once.
    """

    def __init__(self, hr: NDArray[np.uint8], assets: Assets) -> None:
        self._hr, self._assets = hr, assets
        self._first: list[Step] = []
        self._image: Image = hr

    def apply(self, program: Program) -> NDArray[np.uint8]:
        """See `apply`."""
        steps = steps_of(program.ops)
        if steps[:1] != self._first:
            self._first = steps[:1]
            self._image = run(self._first, self._hr, self._assets)
        height, width = (side // program.scale for side in self._hr.shape[:2])
        return checked(program, run(steps[1:], self._image, self._assets), (height, width))


def checked(program: Program, image: Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """What a program ended in, if that is an LR of so many rows and columns.

    Raises:
        ValueError: if it is not.
    """
    wanted = (*size, 3)
    if image.dtype != np.uint8 or image.shape != wanted:
        raise ValueError(
            f"program at x{program.scale} ends in {image.dtype} {image.shape}, wanted uint8 "
            f"{wanted}"
        )
    return np.asarray(image, np.uint8)


def steps_of(ops: Sequence[Op]) -> list[Step]:
    """The steps of a program."""
    steps, number = list[Step](), 0
    while number < len(ops):
        pair = tuple(ops[number : number + 2])
        fused = isinstance(pair[-1], Subsample) and type(pair[0]) in SUBSAMPLED
        steps.append(pair if fused else pair[:1])
        number += len(steps[-1])
    return steps


def run(steps: Sequence[Step], image: Image, assets: Assets) -> Image:
    """The image after some steps."""
    for step in steps:
        op, after = step[0], step[-1]
        if isinstance(after, Subsample) and type(op) in SUBSAMPLED:
            image = SUBSAMPLED[type(op)](op, after.scale, image, assets)
        else:
            image = OPS[type(op)](op, image, assets)
    return image


def intermediates(
    program: Program, hr: NDArray[np.uint8], assets: Assets
) -> Iterator[tuple[Op, Image]]:
    """Each op and the image after it, one by one; the last is what `apply` returns."""
    image: Image = hr
    for op in program.ops:
        image = OPS[type(op)](op, image, assets)
        yield op, image

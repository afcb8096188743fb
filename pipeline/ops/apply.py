"""The one interpreter: a pure function from a program, an HR tile and pools to the LR tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    image: Image = hr
    ops, number = program.ops, 0
    while number < len(ops):
        image, used = _step(ops[number : number + 2], image, assets)
        number += used
    wanted = (hr.shape[0] // program.scale, hr.shape[1] // program.scale, hr.shape[2])
    if image.dtype != np.uint8 or image.shape != wanted:
        raise ValueError(f"program ends in {image.dtype} {image.shape}, wanted uint8 {wanted}")
    return np.asarray(image, np.uint8)


def _step(ops: tuple[Op, ...], image: Image, assets: Assets) -> tuple[Image, int]:
    """The next image and how many ops it took: a blur and the subsampling after it are one step,
    with the same result.
    """
    first, after = ops[0], ops[-1]
    if isinstance(after, Subsample) and type(first) in SUBSAMPLED:
        return SUBSAMPLED[type(first)](first, after.scale, image, assets), 2
    return OPS[type(first)](first, image, assets), 1


def intermediates(
    program: Program, hr: NDArray[np.uint8], assets: Assets
) -> Iterator[tuple[Op, Image]]:
    """Each op and the image after it, one by one; the last is what `apply` returns."""
    image: Image = hr
    for op in program.ops:
        image = OPS[type(op)](op, image, assets)
        yield op, image

"""The one x-scale kernel that a program's blurs and resizes come to.

Ops that keep an image as it is, but for noise and rounding, count as nothing: noise, codecs,
clipping; sharpening of the HR, whose result the kernel is then of; a camera's development, which is
undone and done again around what lies between, and its mosaic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.linear_row import LinearRow, on_grid
from pairmill.pipeline.assets import Assets
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import Blur
from pairmill.schemas.ops.learned import Pdm, Redegnet, Translate
from pairmill.schemas.ops.noise import NoiseOp
from pairmill.schemas.ops.pooled import Aligned, Inject, InjectByLevel, PooledBlur
from pairmill.schemas.ops.resize import BicubicDown, Resize, Subsample
from pairmill.schemas.program import Program

Shape = tuple[int, int]
UNKNOWN = (Pdm, Redegnet, Translate, Aligned)
"""Ops of which no kernel is known: networks, and photographs in place of the image."""
NOISE = (*NoiseOp.__args__, Inject, InjectByLevel)
"""Ops that add noise."""


class Walked(NamedTuple):
    """One pixel of an LR, followed back through its program."""

    row: LinearRow
    """The pixel in pixels of the HR."""
    gains: dict[int, float]
    """Variance in the LR of independent noise of variance 1 that is added by the op of a number."""


def unknown(program: Program) -> str:
    """The op for which a program has no kernel; empty if it has one."""
    return next((op.op for op in program.ops if isinstance(op, UNKNOWN)), "")


def shapes(program: Program, hr: Shape) -> list[Shape]:
    """Rows and columns of the image before each op, and at last of the LR."""
    found = [hr]
    for op in program.ops:
        found.append(_after(op, found[-1]))
    return found


def _after(op: Op, shape: Shape) -> Shape:
    if isinstance(op, Resize):
        return op.height, op.width
    if isinstance(op, BicubicDown):
        return shape[0] // op.scale, shape[1] // op.scale
    if isinstance(op, Subsample):
        return -(-shape[0] // op.scale), -(-shape[1] // op.scale)
    return shape


def is_uniform(program: Program, hr: Shape) -> bool:
    """Whether the kernel is the same at all places: one LR pixel further is a whole number of
    pixels further at every size on the way.
    """
    sizes = shapes(program, hr)
    return all(side % lr == 0 for size in sizes for side, lr in zip(size, sizes[-1], strict=True))


def walk(program: Program, assets: Assets, hr: Shape, at: Shape) -> Walked:
    """Follow the pixel `at` of an LR back to the HR of `hr` rows and columns.

    Raises:
        ValueError: if the program has an op of `UNKNOWN`.
        IntegrityError: if a pool or a row of one is missing.
    """
    if unknown(program):
        raise ValueError(f"no kernel is known of {unknown(program)}")
    sizes, row, gains = shapes(program, hr), LinearRow.of_pixel(*at), dict[int, float]()
    for number in reversed(range(len(program.ops))):
        op = program.ops[number]
        if isinstance(op, NOISE):
            gains[number] = row.gain
        back = BACK.get(type(op))
        if back:
            row = back(op, row, sizes[number], assets)
    return Walked(row, gains)


@lru_cache(maxsize=32)
def of_bicubic(scale: int, side: int) -> tuple[NDArray[np.float64], float]:
    """The kernel of MATLAB's bicubic downscaling, and the share of it that found no place; see
    `on_grid`.
    """
    at = 8, 8
    program = Program(scale=scale, ops=(BicubicDown(scale=scale, form="matlab"),))
    row = walk(program, Assets(), (16 * scale, 16 * scale), at).row
    return on_grid(row, at, side, scale)


def linear_ops(program: Program) -> Iterator[Op]:
    """The ops that make the kernel."""
    return (op for op in program.ops if type(op) in BACK)


def _bicubic(op: BicubicDown, row: LinearRow, shape: Shape, _assets: Assets) -> LinearRow:
    outputs = shape[0] // op.scale, shape[1] // op.scale
    inputs = outputs[0] * op.scale, outputs[1] * op.scale
    return row.before_resize(inputs, outputs, "matlab_bicubic")


def _resize(op: Resize, row: LinearRow, shape: Shape, _assets: Assets) -> LinearRow:
    return row.before_resize(shape, (op.height, op.width), op.method)


def _pooled(op: PooledBlur, row: LinearRow, _shape: Shape, assets: Assets) -> LinearRow:
    return row.before_blur(_one_plane(assets, op.pool, op.index))


@lru_cache(maxsize=1024)
def _one_plane(assets: Assets, pool: str, index: int) -> NDArray[np.float64]:
    """A kernel of a pool, without its empty rim; of planes for R, G and B their mean."""
    kernel = assets.kernel(pool, index)
    kernel = kernel.mean(axis=0) if kernel.ndim == 3 else kernel
    places = np.divmod(np.flatnonzero(kernel), len(kernel))
    middle = len(kernel) // 2
    reach = int(np.abs(np.subtract(places, middle)).max())
    return kernel[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]


BACK: dict[type, Callable[[Any, LinearRow, Shape, Assets], LinearRow]] = {
    Blur: lambda op, row, _shape, _assets: row.before_blur(weights(op.kernel)),
    PooledBlur: _pooled,
    Subsample: lambda op, row, _shape, _assets: row.before_subsampling(op.scale),
    BicubicDown: _bicubic,
    Resize: _resize,
}
"""A pixel after each linear op as pixels before it; gets the size of the image before."""

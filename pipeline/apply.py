"""The one interpreter: a pure function from a program, an HR tile and pools to the LR tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.functional.blur import correlate
from models.functional.resize import bicubic_down, to_uint8
from pipeline.noise.inject import add_noise
from pipeline.pools import Assets
from schemas.program import BicubicDown, Inject, Op, PooledBlur, Program, Quantise, Subsample

Image = NDArray[np.generic]


def apply(program: Program, hr: NDArray[np.uint8], assets: Assets) -> NDArray[np.uint8]:
    """Run a program.

    Args:
        program: Ops in order; it ends with `quantise`.
        hr: (H, W, 3) uint8 sRGB, sides multiples of the scale.
        assets: the pools that the program names.

    Returns:
        (H / scale, W / scale, 3) uint8, the same bits on every machine.

    Raises:
        ValueError: if the program does not lead to a uint8 image of that size.
        IntegrityError: if a pool or a row of one is missing.
    """
    image: Image = hr
    for op in fused(program.ops):
        image = OPS[type(op)](op, image, assets)
    wanted = (hr.shape[0] // program.scale, hr.shape[1] // program.scale, hr.shape[2])
    if image.dtype != np.uint8 or image.shape != wanted:
        raise ValueError(f"program ends in {image.dtype} {image.shape}, wanted uint8 {wanted}")
    return np.asarray(image, np.uint8)


class BlurSubsample:
    """A blur and the subsampling after it as one step: only the pixels that are kept are computed."""

    def __init__(self, blur: PooledBlur, scale: int) -> None:
        self.blur, self.scale = blur, scale


def fused(ops: tuple[Op, ...]) -> list[Op | BlurSubsample]:
    """The ops, with each blur that is followed by subsampling joined to it; the result is the same."""
    out: list[Op | BlurSubsample] = []
    for op in ops:
        last = out[-1] if out else None
        if isinstance(op, Subsample) and isinstance(last, PooledBlur):
            out[-1] = BlurSubsample(last, op.scale)
        else:
            out.append(op)
    return out


def _blur(op: PooledBlur, image: Image, assets: Assets) -> Image:
    return _blur_subsample(BlurSubsample(op, 1), image, assets)


def _blur_subsample(op: BlurSubsample, image: Image, assets: Assets) -> Image:
    if image.dtype != np.uint8:
        raise ValueError(f"pooled_blur wants the 8-bit HR image, got {image.dtype}; quantise before it")
    return correlate(np.asarray(image, np.uint8), assets.blocks(op.blur.pool, op.blur.index, op.scale))


def _subsample(op: Subsample, image: Image, _assets: Assets) -> Image:
    return image[:: op.scale, :: op.scale]


def _bicubic_down(op: BicubicDown, image: Image, _assets: Assets) -> Image:
    return bicubic_down(image, op.scale)


def _inject(op: Inject, image: Image, assets: Assets) -> Image:
    noisy = image.astype(np.float64)
    add_noise(noisy, op, lambda index: assets.patch(op.pool, index))
    return noisy


def _quantise(_op: Quantise, image: Image, _assets: Assets) -> Image:
    return to_uint8(np.asarray(image, np.float64))


OPS: dict[type, Callable[[Any, Image, Assets], Image]] = {
    PooledBlur: _blur,
    BlurSubsample: _blur_subsample,
    Subsample: _subsample,
    BicubicDown: _bicubic_down,
    Inject: _inject,
    Quantise: _quantise,
}

"""Ops that take something from a pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional import blur as exact
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.tables import Encoder
from pairmill.pipeline.noise.inject import by_level, noise_field
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.schemas.ops.pooled import Aligned, Inject, InjectByLevel, PooledBlur, PooledJpeg


def blur(op: PooledBlur, image: Image, assets: Assets) -> Image:
    """Blur at full size."""
    return blur_subsample(op, 1, image, assets)


def blur_subsample(op: PooledBlur, scale: int, image: Image, assets: Assets) -> Image:
    """Blur, and compute only the pixels that subsampling by `scale` keeps."""
    if image.dtype != np.uint8:
        raise ValueError(
            f"pooled_blur wants the 8-bit HR image, got {image.dtype}; quantise before it"
        )
    levels, kernel = np.asarray(image, np.uint8), assets.kernel(op.pool, op.index)
    if kernel.ndim == 3:
        planes = [np.ascontiguousarray(levels[..., [c]]) for c in range(levels.shape[2])]
        blurred = [exact.blur(*pair, scale=scale) for pair in zip(planes, kernel, strict=True)]
        return np.concatenate(blurred, axis=2)
    if exact.has_blocks(kernel):
        return exact.correlate(levels, assets.blocks(op.pool, op.index, scale))
    return exact.blur(levels, kernel, scale=scale)


def inject(op: Inject, image: Image, assets: Assets) -> Image:
    """Add mined noise."""
    noise = noise_field(
        (image.shape[0], image.shape[1]), op, lambda index: assets.patch(op.pool, index)
    )
    return np.add(image, noise, dtype=np.float64)


def inject_by_level(op: InjectByLevel, image: Image, assets: Assets) -> Image:
    """Add mined noise as strong as the level of each pixel asks."""
    noise = by_level(
        _eight_bits(image),
        op,
        lambda index: assets.patch(op.pool, index),
        lambda index: assets.gains(op.levels, index),
    )
    return np.add(image, noise, dtype=np.float64)


def jpeg(op: PooledJpeg, image: Image, assets: Assets) -> Image:
    """Clip, round to 8 bits, encode and decode as one of the real images was."""
    return compress(_eight_bits(image), Encoder.of_row(assets.encoder(op.pool, op.index)), op.phase)


def _eight_bits(image: Image) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return np.asarray(image, np.uint8)
    return to_uint8(np.asarray(image, np.float64))


def aligned(op: Aligned, image: Image, assets: Assets) -> Image:
    """The LR tile of a real pair, in place of an image of its HR tile's size."""
    lr = assets.photograph(op.pool, op.index)
    if image.shape[0] % lr.shape[0] or image.shape[1] % lr.shape[1]:
        raise ValueError(
            f"the LR tile is {lr.shape[1]} x {lr.shape[0]}, which {image.shape[1]} x "
            f"{image.shape[0]} is no multiple of"
        )
    return lr


POOLED: dict[type, Apply] = {
    PooledBlur: blur,
    Inject: inject,
    InjectByLevel: inject_by_level,
    PooledJpeg: jpeg,
    Aligned: aligned,
}

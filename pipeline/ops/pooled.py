"""Ops that take something from a pool."""

from __future__ import annotations

import numpy as np

from models.functional.blur import correlate
from pipeline.noise.inject import add_noise
from pipeline.ops.base import Apply, Image
from pipeline.pools import Assets
from schemas.ops.pooled import Inject, PooledBlur


def blur(op: PooledBlur, image: Image, assets: Assets) -> Image:
    """Blur at full size."""
    return blur_subsample(op, 1, image, assets)


def blur_subsample(op: PooledBlur, scale: int, image: Image, assets: Assets) -> Image:
    """Blur, and compute only the pixels that subsampling by `scale` keeps."""
    if image.dtype != np.uint8:
        raise ValueError(f"pooled_blur wants the 8-bit HR image, got {image.dtype}; quantise before it")
    return correlate(np.asarray(image, np.uint8), assets.blocks(op.pool, op.index, scale))


def inject(op: Inject, image: Image, assets: Assets) -> Image:
    """Add mined noise."""
    noisy = image.astype(np.float64)
    add_noise(noisy, op, lambda index: assets.patch(op.pool, index))
    return noisy


POOLED: dict[type, Apply] = {PooledBlur: blur, Inject: inject}

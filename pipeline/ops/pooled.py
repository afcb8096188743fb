"""Ops that take something from a pool."""

from __future__ import annotations

import numpy as np

from pairmill.models.functional import blur as exact
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.tables import Encoder
from pairmill.pipeline.noise.inject import noise_field
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.schemas.ops.pooled import Inject, PooledBlur, PooledJpeg


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


def jpeg(op: PooledJpeg, image: Image, assets: Assets) -> Image:
    """Clip, round to 8 bits, encode and decode as one of the real images was."""
    if image.dtype == np.uint8:
        levels = image
    else:
        levels = to_uint8(np.asarray(image, np.float64))
    return compress(
        np.asarray(levels, np.uint8), Encoder.of_row(assets.encoder(op.pool, op.index)), op.phase
    )


POOLED: dict[type, Apply] = {PooledBlur: blur, Inject: inject, PooledJpeg: jpeg}

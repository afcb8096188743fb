"""Degradations that were learned: networks of a checkpoint, random numbers of the op's own stream."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.functional.noise import normals, words_for
from pipeline.ops.base import Apply, Image
from pipeline.pools import Assets
from pipeline.rng import raw_words
from schemas.ops.learned import Pdm

if TYPE_CHECKING:
    from models.pdm.degradation import Degradation


def pdm(op: Pdm, image: Image, assets: Assets) -> Image:
    """Blur, subsample and add noise; (H, W, 3) uint8 to float64 at LR size, not clipped."""
    from models.pdm.draw import degrade, numbers

    if image.dtype != np.uint8:
        raise ValueError(f"pdm wants the 8-bit HR image, got {image.dtype}; quantise before it")
    network = _network(assets, op.pool)
    lr_shape = (image.shape[0] // network.scale, image.shape[1] // network.scale)
    count = numbers(network, lr_shape)
    drawn = normals(raw_words(op.key, words_for(count)), (count,))
    lr = degrade(network, np.asarray(image, np.uint8), drawn).lr[0]
    return np.ascontiguousarray(255 * lr.permute(1, 2, 0).double().numpy())


@lru_cache(maxsize=4)
def _network(assets: Assets, digest: str) -> Degradation:
    from models.pdm.checkpoint import read_checkpoint

    return read_checkpoint(assets.checkpoint(digest))


LEARNED: dict[type, Apply] = {Pdm: pdm}
"""What each op does."""

"""Degradations that were learned: networks of a checkpoint, random numbers of the op's own
stream.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pairmill.models.functional.noise import normals, words_for
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.pipeline.rng import raw_words
from pairmill.schemas.ops.learned import Pdm, Redegnet

if TYPE_CHECKING:
    from pairmill.models.pdm.degradation import Degradation
    from pairmill.models.redegnet.networks import SynNet


def pdm(op: Pdm, image: Image, assets: Assets) -> Image:
    """Blur, subsample and add noise; (H, W, 3) uint8 to float64 at LR size, not clipped."""
    from pairmill.models.pdm.draw import degrade, numbers

    if image.dtype != np.uint8:
        raise ValueError(f"pdm wants the 8-bit HR image, got {image.dtype}; quantise before it")
    network = _network(assets, op.pool)
    lr_shape = (image.shape[0] // network.scale, image.shape[1] // network.scale)
    if not all(lr_shape):
        raise ValueError(
            f"image of {image.shape[0]} x {image.shape[1]} cannot be downscaled by {network.scale}"
        )
    count = numbers(network, lr_shape)
    drawn = normals(raw_words(op.key, words_for(count)), (count,))
    lr = degrade(network, np.asarray(image, np.uint8), drawn).lr[0]
    return np.ascontiguousarray(255 * lr.permute(1, 2, 0).double().numpy())


@lru_cache(maxsize=4)
def _network(assets: Assets, digest: str) -> Degradation:
    from pairmill.models.pdm.checkpoint import read_checkpoint

    return read_checkpoint(assets.checkpoint(digest))


def redegnet(op: Redegnet, image: Image, assets: Assets) -> Image:
    """Put a degradation on an image; (H, W, 3) uint8 to float64 of the same size, within
    0..255.
    """
    from pairmill.models.redegnet.draw import synthesize

    if image.dtype != np.uint8:
        raise ValueError(
            f"redegnet wants the 8-bit HR image, got {image.dtype}; quantise before it"
        )
    return synthesize(
        _synnet(assets, op.checkpoint), np.asarray(image, np.uint8), assets.code(op.pool, op.index)
    )


@lru_cache(maxsize=4)
def _synnet(assets: Assets, digest: str) -> SynNet:
    from pairmill.models.redegnet.checkpoint import read_checkpoint

    return read_checkpoint(assets.checkpoint(digest))


LEARNED: dict[type, Apply] = {Pdm: pdm, Redegnet: redegnet}
"""What each op does."""

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
from pairmill.schemas.ops.learned import Pdm, Redegnet, Translate

if TYPE_CHECKING:
    from pairmill.models.pdm.degradation import Degradation
    from pairmill.models.redegnet.networks import SynNet
    from pairmill.models.translation.checkpoint import Translator


def pdm(op: Pdm, image: Image, assets: Assets) -> Image:
    """Blur, subsample and add noise; (H, W, 3) uint8 to float64 at LR size, not clipped."""
    from pairmill.models.pdm.draw import degrade, numbers

    _check_eight_bits("pdm", image)
    network = _network(assets, op.pool)
    lr_shape = _lr_shape(image, network.scale)
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

    _check_eight_bits("redegnet", image)
    return synthesize(
        _synnet(assets, op.checkpoint), np.asarray(image, np.uint8), assets.code(op.pool, op.index)
    )


@lru_cache(maxsize=4)
def _synnet(assets: Assets, digest: str) -> SynNet:
    from pairmill.models.redegnet.checkpoint import read_checkpoint

    return read_checkpoint(assets.checkpoint(digest))


def translate(op: Translate, image: Image, assets: Assets) -> Image:
    """Downscale by a translator; (H, W, 3) uint8 to float64 at LR size, not clipped."""
    from pairmill.models.translation.draw import numbers, translate

    _check_eight_bits("translate", image)
    translator = _translator(assets, op.pool)
    count = numbers(translator, _lr_shape(image, translator.card.scale))
    drawn = normals(raw_words(op.key, words_for(count)), (count,))
    return translate(translator, np.asarray(image, np.uint8), drawn)


@lru_cache(maxsize=8)
def _translator(assets: Assets, digest: str) -> Translator:
    from pairmill.models.translation.checkpoint import read_checkpoint

    return read_checkpoint(assets.checkpoint(digest))


def _check_eight_bits(op: str, image: Image) -> None:
    if image.dtype != np.uint8:
        raise ValueError(f"{op} wants the 8-bit HR image, got {image.dtype}; quantise before it")


def _lr_shape(image: Image, scale: int) -> tuple[int, int]:
    height, width = image.shape[0] // scale, image.shape[1] // scale
    if not (height and width):
        raise ValueError(
            f"image of {image.shape[0]} x {image.shape[1]} cannot be downscaled by {scale}"
        )
    return height, width


LEARNED: dict[type, Apply] = {Pdm: pdm, Redegnet: redegnet, Translate: translate}
"""What each op does."""

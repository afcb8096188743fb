"""Unpaired crops: real LR and HR images, each list shuffled anew every epoch, all drawn from keyed
Philox streams.

What an iteration sees is a function of (seed, iteration), so a fit continues from a count of
samples and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.keyed import keyed

Image = NDArray[np.uint8]


class Crops:
    """Random crops of a list of images; an image counts as often as crops fit into it side by
    side.
    """

    def __init__(
        self, images: Sequence[Image], side: int, seed: int, purpose: str, *, mirror: bool
    ) -> None:
        """Take images in.

        Args:
            images: (H, W, 3) uint8, at least one. Those smaller than a crop are left out; if all
                are, they are continued by mirroring, which makes them unlike photos.
            side: of a crop, in pixels.
            seed: of the fit.
            purpose: `real` or `hr`.
            mirror: whether every other crop is mirrored left to right. Real ones are not: that
                would mirror their kernels too. Nothing is turned: photos are not alike in all
                directions, and kernels would learn to make up for it.
        """
        self.images = [_at_least(image, side) for image in images]
        self.side, self.seed, self.purpose, self.mirror = side, seed, purpose, mirror
        counts = np.array([(image.shape[0] // side) * (image.shape[1] // side) for image in images])
        self.entries = np.repeat(np.arange(len(images)), counts if counts.any() else 1)
        self.used = len(np.unique(self.entries))
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        keys = keyed(self.seed, self.purpose, epoch).random(len(self.entries))
        return self.entries[np.argsort(keys, kind="stable")]

    def sources(self, first: int, count: int) -> NDArray[np.int64]:
        """Numbers of the images that the crops `first` to `first + count` come from, (count,)."""
        places = (divmod(first + number, len(self.entries)) for number in range(count))
        return np.array([self._order(epoch)[place] for epoch, place in places], np.int64)

    def at(self, first: int, count: int, rng: np.random.Generator) -> Tensor:
        """Crops number `first` to `first + count`, (count, 3, side, side) float32 in [0, 1]; places
        come from `rng`.
        """
        chosen = np.empty((count, self.side, self.side, 3), np.uint8)
        for number, source in enumerate(self.sources(first, count)):
            image = self.images[source]
            top, left, code = rng.random(3)
            rows, columns = (
                int(top * (image.shape[0] - self.side + 1)),
                int(left * (image.shape[1] - self.side + 1)),
            )
            crop = image[rows : rows + self.side, columns : columns + self.side]
            if self.mirror and code < 0.5:
                chosen[number] = crop[:, ::-1]
            else:
                chosen[number] = crop
        return torch.from_numpy(chosen).permute(0, 3, 1, 2).contiguous().float() / 255


def _at_least(image: Image, side: int) -> Image:
    short = [max(0, side - length) for length in image.shape[:2]]
    if any(short):
        return np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)), "symmetric")
    return image

"""Fakes of earlier iterations, which a discriminator sees instead of some new ones, so that it does
not forget (Shrivastava et al., CVPR 2017).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class History(nn.Module):
    """At most `size` images; a module, so that a stored state has them."""

    images: Tensor
    count: Tensor

    def __init__(self, size: int, side: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, 3, side, side))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def exchanged(self, fakes: Tensor, rng: np.random.Generator) -> Tensor:
        """(B, 3, h, w) detached: once the store is full, every image is with probability 0.5
        exchanged for a stored one; until then it is stored and kept.
        """
        size = len(self.images)
        if not size:
            return fakes
        shown = fakes.clone()
        for number, (code, place) in enumerate(rng.random((len(fakes), 2))):
            stored = int(self.count)
            if stored < size:
                self.images[stored] = fakes[number]
                self.count += 1
            elif code < 0.5:
                row = int(place * size)
                shown[number] = self.images[row]
                self.images[row] = fakes[number]
        return shown

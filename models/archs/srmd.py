"""SRMD: convolutions at the size of the LR that see the kernel's code and the noise's level as more
channels (Zhang et al. 2018); names of the published files.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.layers import BicubicUp, Conv
from pairmill.schemas.networks.srmd import SrmdConfig

QUIET = 0.2
"""Initial weights of codes and noise, of those of the image."""


class First(Conv):
    """The convolution of the image and of maps that do not vary over it."""

    def draw(self, rng: np.random.Generator) -> None:
        """See `Conv.draw`. Codes vary several times as much as pixels; drawn as the others, their
        weights would decide alone which ReLUs are ever open.
        """
        super().draw(rng)
        with torch.no_grad():
            self.weight[:, 3:] *= QUIET


class Srmd(KernelAware):
    """3 x 3 convolutions with ReLU between; the last one's channels become pixels.

    Differs from the paper: codes as `KernelCode` has them.
    """

    enlarge: BicubicUp | None

    def __init__(self, config: SrmdConfig, scale: int) -> None:
        super().__init__(config, scale, config.code)
        self.noise = config.noise
        inputs, wide = 3 + config.code + config.noise, config.features
        parts: list[nn.Module] = [First(inputs, wide, start="he"), nn.ReLU()]
        for _ in range(config.depth - 2):
            parts += [Conv(wide, wide, start="he"), nn.ReLU()]
        if config.residual:
            last, self.enlarge = Conv(wide, 3 * scale**2, start="he", gain=0.1), BicubicUp(scale)
        else:
            last, self.enlarge = Conv(wide, 3 * scale**2), None
        self.model = nn.Sequential(*parts, last)

    def restore(self, lr: Tensor, told: Degradation) -> Tensor:
        """See `KernelAware.restore`."""
        code = self.code.encode(told.kernel).to(lr.dtype)
        maps = [lr, code[:, :, None, None].expand(-1, -1, *lr.shape[2:])]
        if self.noise:
            maps.append(told.noise.to(lr.dtype))
        found = pixel_shuffle(self.model(torch.cat(maps, 1)), self.scale)
        return found if self.enlarge is None else self.enlarge(lr) + found

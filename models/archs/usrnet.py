"""An unrolled plug-and-play network in the manner of USRNet: exact data steps and a denoiser in
turn (Zhang et al. 2020).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.kernel_code import fitted
from pairmill.models.archs.layers import BicubicUp, Conv, ResidualBlock, cropped, reflected
from pairmill.models.archs.observed import continued, explained
from pairmill.schemas.networks.usrnet import UsrNetConfig

ROUNDING = 1 / 255
"""Least noise that is reckoned with: an LR in 8 bits explains no more than this."""
LOUDEST, QUIETEST = 49 / 255, 2 / 255
"""Level of the denoiser at the first step and at the last, before training, as in DPIR."""
WEIGHT = 0.23
"""lambda of DPIR: weight of the prior."""
PACKED = 2
"""The denoiser works on blocks of so many pixels squared."""


class Denoiser(nn.Module):
    """Residual blocks at half the size of the picture, told the level of the noise; what they find
    is added.
    """

    def __init__(self, features: int, blocks: int) -> None:
        super().__init__()
        colours = 3 * PACKED**2
        self.conv_first = Conv(colours + 1, features, start="he")
        self.body = nn.Sequential(
            *(ResidualBlock(features, blocks**-0.5, start="he") for _ in range(blocks))
        )
        self.conv_last = Conv(features, colours, start="he", gain=0.1)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """(B, 3, h, w) and a number to (B, 3, h, w)."""
        packed = pixel_unshuffle(reflected(x, PACKED), PACKED)
        told = level.to(packed.dtype).expand(len(packed), 1, *packed.shape[2:])
        found = self.conv_last(self.body(self.conv_first(torch.cat([packed, told], 1))))
        return x + cropped(pixel_shuffle(found, PACKED), *x.shape[2:])


class UsrNet(KernelAware):
    """Half-quadratic splitting: x explains the LR and lies near z, z is x without noise.

    Differs from USRNet: the levels of the steps are learned themselves, not by a network; the
    weight of the data follows from them and from the noise as in DPIR, penalty = weight noise^2 /
    level^2; the denoiser is residual and not a U-net. Of the noise map, the mean power of each
    picture counts, for the exact step has one level.
    """

    no_program = "its Fourier transforms are of complex numbers, which torch does not write as ONNX"

    def __init__(self, config: UsrNetConfig, scale: int) -> None:
        super().__init__(config, scale)
        self.enlarge = BicubicUp(scale)
        self.denoiser = Denoiser(config.features, config.blocks)
        steps = torch.linspace(math.log(LOUDEST), math.log(QUIETEST), config.iterations)
        self.levels = nn.Parameter(steps)
        self.weight = nn.Parameter(torch.tensor(math.log(WEIGHT)))
        self.margin = config.side(scale) // scale + 2

    def reach(self) -> None:
        """See `Network.reach`: the exact steps see all of the picture."""
        return

    def restore(self, lr: Tensor, told: Degradation) -> Tensor:
        """See `KernelAware.restore`."""
        wide = continued(lr, self.margin)
        power = told.noise.to(lr.dtype).square().mean((1, 2, 3)) + ROUNDING**2
        z, kernel = self.enlarge(wide), fitted(told.kernel, self.code.side)
        for level in self.levels.exp():
            penalty = self.weight.exp() * power / level**2
            z = self.denoiser(explained(z, wide, kernel, self.scale, penalty), level)
        return cropped(z, *(self.scale * length for length in lr.shape[2:]))

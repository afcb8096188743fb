"""SFTMD: residual blocks whose features the kernel's code scales and shifts (IKC, Gu et al. 2019,
section 3.3); names of our own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.layers import BicubicUp, Conv
from pairmill.schemas.networks.sftmd import SftmdConfig

SLOPE = 0.2
LAST = 9
"""Side of the last filters."""


class Modulation(nn.Module):
    """Spatial feature transform: features times what one branch finds, plus what the other does."""

    def __init__(self, features: int, code: int, between: int) -> None:
        super().__init__()
        self.scale, self.shift = (
            nn.Sequential(
                Conv(features + code, between, start="he"),
                nn.LeakyReLU(SLOPE),
                Conv(between, features),
            )
            for _ in range(2)
        )

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """(B, features, h, w) and maps (B, code, h, w) to (B, features, h, w)."""
        both = torch.cat([x, code], 1)
        found: Tensor = x * torch.sigmoid(self.scale(both)) + self.shift(both)
        return found


class Block(nn.Module):
    """Two convolutions, each after a modulation, added to the input."""

    def __init__(self, features: int, code: int, between: int) -> None:
        super().__init__()
        self.mod1, self.mod2 = (Modulation(features, code, between) for _ in range(2))
        self.conv1, self.conv2 = (Conv(features, features, start="he", gain=0.5) for _ in range(2))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """As `Modulation.forward`."""
        values = self.conv1(torch.relu(self.mod1(x, code)))
        added: Tensor = self.conv2(torch.relu(self.mod2(values, code)))
        return x + added


class Sftmd(KernelAware):
    """A head, modulated blocks, what they add to the head, and upsampling.

    Differs from the published code: codes as `KernelCode` has them; no clamp to [0, 1], which stops
    gradients; what the layers find is added to the bicubic upscaling, by which it learns in minutes
    and not in days; none of its 16 blocks that nothing uses.
    """

    noise = False

    def __init__(self, config: SftmdConfig, scale: int) -> None:
        super().__init__(config, scale, config.code)
        wide, told = config.features, (config.features, config.code, config.modulation)
        self.head = nn.Sequential(
            Conv(3, wide, start="he"),
            nn.LeakyReLU(SLOPE),
            Conv(wide, wide, start="he"),
            nn.LeakyReLU(SLOPE),
            Conv(wide, wide, start="he"),
        )
        self.blocks = nn.ModuleList(Block(*told) for _ in range(config.blocks))
        self.mod_after = Modulation(*told)
        self.conv_after = Conv(wide, wide)
        self.upsample = nn.Sequential(*_enlarging(wide, scale))
        self.conv_last = Conv(wide, 3, LAST, gain=0.1)
        self.enlarge = BicubicUp(scale)

    def restore(self, lr: Tensor, told: Degradation) -> Tensor:
        """See `KernelAware.restore`; the noise is not looked at."""
        return self.rendered(lr, self.code.encode(told.kernel))

    def rendered(self, lr: Tensor, code: Tensor) -> Tensor:
        """(B, 3, h, w) and codes (B, code) to (B, 3, scale h, scale w)."""
        maps = code.to(lr.dtype)[:, :, None, None].expand(-1, -1, *lr.shape[2:])
        first = self.head(lr)
        x = first
        for block in self.blocks:
            x = block(x, maps)
        x = self.conv_after(self.mod_after(x + first, maps))
        added: Tensor = self.conv_last(self.upsample(x))
        large: Tensor = self.enlarge(lr)
        return large + added


def _enlarging(features: int, scale: int) -> list[nn.Module]:
    steps = [3] if scale == 3 else [2] * round(math.log2(scale))
    return [
        part
        for step in steps
        for part in (
            Conv(features, step**2 * features, start="he"),
            nn.PixelShuffle(step),
            nn.LeakyReLU(SLOPE),
        )
    ]

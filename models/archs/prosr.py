"""ProSR: dense blocks per doubling, and scales that are faded in while it is trained (Wang et al.
2018).
"""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pairmill.models.archs.layers import (
    INTERPOLATED,
    BicubicUp,
    Conv,
    Fuse,
    MultiScale,
    Normalise,
    in_full,
)
from pairmill.schemas.networks.prosr import ProSrConfig

GREY = (0.5, 0.5, 0.5)
"""What is taken away from the input."""
WIDE = 4
"""Channels between the two convolutions of a layer, in units of the growth."""


class Compressed(nn.Module):
    """x + scale dense(x): layers that see all before, and one that brings the features back."""

    def __init__(self, config: ProSrConfig) -> None:
        super().__init__()
        features, growth = config.features, config.growth
        self.layers = nn.ModuleList(
            nn.Sequential(
                Fuse(features + number * growth, WIDE * growth, start="he"),
                nn.ReLU(),
                Conv(WIDE * growth, growth, start="he"),
            )
            for number in range(config.layers)
        )
        last = features + config.layers * growth
        self.compress = Conv(last, features, 1, start="he", gain=0.1, bias=False)
        self.scale = config.residual_scale

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        found = [x]
        for layer in self.layers:
            found.append(layer(found))
        added: Tensor = self.compress(torch.cat(found, 1))
        return x + self.scale * added


class Doubling(nn.Module):
    """Blocks over what they are given, then twice the size."""

    def __init__(self, config: ProSrConfig, number: int) -> None:
        super().__init__()
        features = config.features
        self.enter: nn.Module = nn.Identity()
        if number:
            self.enter = Conv(features, features, 1, start="he", bias=False)
        self.blocks = nn.Sequential(*(Compressed(config) for _ in range(config.blocks[number])))
        self.leave = Conv(features, features, start="he", gain=0.1)
        self.up = nn.Sequential(
            Conv(features, 4 * features, start="he"), nn.PixelShuffle(2), nn.ReLU()
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, features, h, w) to (B, features, 2 h, 2 w)."""
        given = self.enter(features)
        found: Tensor = self.up(given + self.leave(self.blocks(given)))
        return found


class ProSr(MultiScale):
    """A first and a last convolution per scale, and doublings that they share; added to the bicubic
    upscaling.

    While it is trained, a scale that begins is blended with the one below, upscaled by bilinear
    interpolation; in use it is there. Differs from the authors': borders are filled with zeros, and
    a convolution of their upsampling for scale 3, which does not fit its shuffle, is left out with
    that scale.
    """

    def __init__(self, config: ProSrConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, self.scales = config.features, config.heads_at(scale)
        self.blend = 1.0
        self.growing = config
        self.normalise = Normalise(GREY, config.range)
        self.bicubic = nn.ModuleDict({f"x{each}": BicubicUp(each) for each in self.scales})
        self.first = nn.ModuleDict(
            {f"x{each}": Conv(3, features, start="he") for each in self.scales}
        )
        self.doublings = nn.ModuleList(
            Doubling(config, number) for number in range(_doublings(max(self.scales)))
        )
        self.last = nn.ModuleDict(
            {f"x{each}": Conv(features, 3, start="he", gain=0.1) for each in self.scales}
        )

    def at(self, scale: int, share: float = 1.0) -> Self:
        """See `MultiScale.at`; a scale that begins is blended with the one below."""
        view = super().at(scale, share)
        view.blend = self.growing.faded(scale, share)
        return view

    def reach(self) -> int:
        """See `Network.reach`; a doubling reaches half as far as the one before."""
        config = self.growing
        levels = (
            (config.blocks[number] * config.layers + 2) * 0.5**number
            for number in range(_doublings(self.scale))
        )
        return 2 + math.ceil(sum(levels, 0.0)) + INTERPOLATED

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        features = self.first[f"x{self.scale}"](self.normalise(lr))
        residuals: dict[int, Tensor] = {}
        for number in range(_doublings(self.scale)):
            features = self.doublings[number](features)
            size = 2 ** (number + 1)
            if size in self.scales and (size == self.scale or self.blend < 1):
                residuals[size] = self.last[f"x{size}"](features)
        residual = residuals.pop(self.scale)
        if residuals:
            below = max(residuals)
            coarse = interpolate(
                residuals[below], scale_factor=self.scale // below, mode="bilinear"
            )
            residual = torch.lerp(coarse, residual, self.blend)
        with in_full(lr):
            large: Tensor = self.bicubic[f"x{self.scale}"](lr)
            return large + residual / self.normalise.span


def _doublings(scale: int) -> int:
    return scale.bit_length() - 1

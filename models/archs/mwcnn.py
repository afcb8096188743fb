"""MWCNN: a U-net whose levels are wavelet transforms (Liu et al. 2018, 2019)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pairmill.models.archs.haar import haar, unhaar
from pairmill.models.archs.layers import (
    INTERPOLATED,
    Conv,
    MultiScale,
    convolved,
    cropped,
    reflected,
)
from pairmill.models.archs.luma import LumaNetwork
from pairmill.schemas.networks.mwcnn import MwcnnConfig


class Level(nn.Module):
    """Convolutions at one size, and between them the next level at half the size, whose result is
    added.

    Args:
        config: settings.
        number: of the level, from 0, the largest.
        inputs: channels that come in and go out.
    """

    def __init__(self, config: MwcnnConfig, number: int, inputs: int) -> None:
        super().__init__()
        features, deepest = config.features[number], number == len(config.features) - 1
        dilations = config.lowest if deepest else config.dilations
        self.down = nn.ModuleList([Conv(inputs, features, start="he")])
        self.down.extend(Conv(features, features, start="he", dilation=far) for far in dilations)
        self.inner = None if deepest else Level(config, number + 1, 4 * features)
        self.up = nn.ModuleList(
            Conv(features, features, start="he", dilation=far)
            for far in (dilations[::-1] if deepest else dilations)
        )
        self.conv_last = Conv(features, inputs, start="he", gain=1.0 if number else 0.1)

    def reach(self) -> int:
        """In pixels of this level."""
        own = sum(map(convolved, (self.down, self.up, self.conv_last)))
        return own if self.inner is None else own + 2 * self.inner.reach() + 1

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to the same, before the activation."""
        for conv in self.down:
            x = torch.relu(conv(x))
        if self.inner is not None:
            x = x + unhaar(torch.relu(self.inner(haar(x))))
        for conv in self.up:
            x = torch.relu(conv(x))
        found: Tensor = self.conv_last(x)
        return found


class Mwcnn(LumaNetwork, MultiScale):
    """Pre-upsampling: what the levels find is added to the bicubic upscaling.

    Differs from the paper: no batch normalisation in version 1; its skips, which are added in
    bands, are added after the inverse transform, which is the same. Sides that cannot be halved so
    often are continued by what mirrors them, and cut afterwards.
    """

    def __init__(self, config: MwcnnConfig, scale: int) -> None:
        super().__init__(config, scale)
        self.bands = config.bands
        self.levels = Level(config, 0, 4 * self.channels if config.bands else self.channels)
        self.unit = 2 ** (len(config.features) - 1 + config.bands)

    def reach(self) -> int:
        """See `Network.reach`; convolutions and bands of the deeper levels are wider."""
        far = self.levels.reach()
        if self.bands:
            far = 2 * far + 1
        return math.ceil(far / self.scale) + INTERPOLATED

    def restore(self, lr: Tensor) -> Tensor:
        """See `LumaNetwork`."""
        large = self.bicubic(lr)
        return large + cropped(self._added(reflected(large, self.unit)), *large.shape[2:])

    def _added(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) with sides that are multiples of `unit`, to the same."""
        if self.bands:
            return unhaar(self.levels(haar(x)))
        found: Tensor = self.levels(x)
        return found

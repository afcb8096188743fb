"""DRRN: residual units that share weights, each over the block's beginning (Tai et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv
from pairmill.models.archs.preupsampling import PreUpsampling
from pairmill.models.archs.recursion import PreActivated, Recursion
from pairmill.schemas.networks.drrn import DrrnConfig


class Drrn(PreUpsampling):
    """Differs from the paper: no batch normalisation, which would mix the images of a batch and
    lose their range (Lim et al. 2017), hence no activation before the first convolution, which sees
    an image; three channels where `luma` is not set.
    """

    def __init__(self, config: DrrnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.units = config.units
        self.begin = nn.ModuleList(
            Conv(self.channels if number == 0 else features, features, start="he")
            for number in range(config.blocks)
        )
        self.blocks = nn.ModuleList(
            Recursion(PreActivated(features, 2, gain=0.5), config.units, "start")
            for _ in range(config.blocks)
        )
        self.conv_last = Conv(features, self.channels, start="he", gain=0.1)

    def radius(self) -> int:
        """See `PreUpsampling`: 52, for a field of 105, as published."""
        return len(self.blocks) * (1 + 2 * self.units) + 1

    def corrected(self, large: Tensor) -> list[Tensor]:
        """See `PreUpsampling`."""
        found = large
        for number, (begin, block) in enumerate(zip(self.begin, self.blocks, strict=True)):
            found = block(begin(torch.relu(found) if number else found))
        return [large + self.conv_last(torch.relu(found))]

"""DRCN: one convolution applied sixteen times, an image after each (Kim et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv
from pairmill.models.archs.preupsampling import Ensemble
from pairmill.models.archs.recursion import Recursion, Unchanging
from pairmill.schemas.networks.drcn import DrcnConfig


class Drcn(Ensemble):
    """The recursion begins as the identity: all its images are equal at first. Their weighted mean
    is the result. Differs from the paper: three channels where `luma` is not set.
    """

    def __init__(self, config: DrcnConfig, scale: int) -> None:
        super().__init__(config, scale, config.recursions)
        features, channels = config.features, self.channels
        self.supervised, self.count = config.supervised, config.recursions
        self.conv_first = Conv(channels, features, start="he")
        self.conv_second = Conv(features, features, start="he")
        again = nn.Sequential(Unchanging(features), nn.ReLU())
        self.recursion = Recursion(again, config.recursions)
        self.reconstruct = Conv(features, features, start="he")
        self.conv_last = Conv(features, channels, start="he", gain=0.1)

    def radius(self) -> int:
        """See `PreUpsampling`: 20, for a field of 41, as published."""
        return self.count + 4

    def weights(self, share: float) -> Sequence[float]:
        """See `Pyramid`: at first each image alone, in the end their mean alone."""
        alone = max(0.0, 1 - share / self.supervised)
        return [*[alone / self.count] * self.count, 1 - alone]

    def corrected(self, large: Tensor) -> list[Tensor]:
        """See `PreUpsampling`."""
        embedded = torch.relu(self.conv_second(torch.relu(self.conv_first(large))))
        found = [
            large + self.conv_last(torch.relu(self.reconstruct(state)))
            for state in self.recursion.states(embedded)
        ]
        return [*found, self.weighted(found) / self.shares.sum()]

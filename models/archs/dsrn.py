"""DSRN: two recurrent states, at the sizes of LR and HR (Han et al. 2018)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from pairmill.models.archs.layers import INTERPOLATED, Conv, Deconv, Network
from pairmill.schemas.networks.dsrn import DsrnConfig


class Dsrn(Network):
    """Each step renews the state at the size of the LR by itself and by the mean of the other, then
    the one at the size of the HR by itself and by the first, upscaled, as which it begins; the
    image is made of the mean of the second over all steps.

    The paper is for scale 2 at a time; here one step of either state covers the whole scale.
    """

    def __init__(self, config: DsrnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, self.steps = config.features, config.steps
        self.conv_first = Conv(3, config.embedded, start="he")
        self.conv_second = Conv(config.embedded, features, start="he")
        self.low, self.high = (
            nn.Sequential(
                Conv(features, features, start="he"),
                nn.ReLU(),
                Conv(features, features, start="he", gain=0.1),
            )
            for _ in range(2)
        )
        # Small: at each step the states grow by each other.
        self.up = Deconv(features, features, scale, scale, 0, start="he", gain=0.1)
        self.conv_last = Conv(features, 3, 1, start="he", gain=0.5)

    def reach(self) -> int:
        """See `Network.reach`; a step sees two pixels around at either size, and the LR pixel that
        an HR pixel lies in.
        """
        step = 2 + math.ceil(2 / self.scale) + 1
        return 2 + self.steps * step + INTERPOLATED

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        low = torch.relu(self.conv_second(torch.relu(self.conv_first(lr))))
        high, states = self.up(low), list[Tensor]()
        for _ in range(self.steps):
            low = torch.relu(low + self.low(low) + avg_pool2d(high, self.scale))
            high = torch.relu(high + self.high(high) + self.up(low))
            states.append(high)
        found: Tensor = self.conv_last(torch.stack(states).mean(0))
        return found

"""VDSR: twenty convolutions that correct the bicubic upscaling (Kim et al. 2016)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import INTERPOLATED, Conv, MultiScale, convolved
from pairmill.models.archs.luma import LumaNetwork
from pairmill.schemas.networks.vdsr import VdsrConfig


class Vdsr(LumaNetwork, MultiScale):
    """Pre-upsampling; the same weights for every scale, since all that they see is a blurred image
    of the size of the HR.
    """

    def __init__(self, config: VdsrConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, bias = config.features, config.bias
        self.conv_first = Conv(self.channels, features, start="he", bias=bias)
        self.body = nn.Sequential(
            *(Conv(features, features, start="he", bias=bias) for _ in range(config.depth - 2))
        )
        self.conv_last = Conv(features, self.channels, start="he", gain=0.1, bias=bias)

    def reach(self) -> int:
        """See `Network.reach`; all convolutions are at the size of the HR."""
        return math.ceil(convolved(self) / self.scale) + INTERPOLATED

    def restore(self, lr: Tensor) -> Tensor:
        """See `LumaNetwork`."""
        large = self.bicubic(lr)
        found = torch.relu(self.conv_first(large))
        for conv in self.body:
            found = torch.relu(conv(found))
        residual: Tensor = self.conv_last(found)
        return large + residual

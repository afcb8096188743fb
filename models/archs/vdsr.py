"""VDSR: twenty convolutions that correct the bicubic upscaling (Kim et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, convolved
from pairmill.models.archs.preupsampling import PreUpsampling
from pairmill.schemas.networks.vdsr import VdsrConfig


class Vdsr(PreUpsampling):
    """Convolutions in a row, whose result is added to what they see."""

    def __init__(self, config: VdsrConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, bias = config.features, config.bias
        self.conv_first = Conv(self.channels, features, start="he", bias=bias)
        self.body = nn.Sequential(
            *(Conv(features, features, start="he", bias=bias) for _ in range(config.depth - 2))
        )
        self.conv_last = Conv(features, self.channels, start="he", gain=0.1, bias=bias)

    def radius(self) -> int:
        """See `PreUpsampling`: 20, for a field of 41, as published."""
        return convolved(self)

    def corrected(self, large: Tensor) -> list[Tensor]:
        """See `PreUpsampling`."""
        found = torch.relu(self.conv_first(large))
        for conv in self.body:
            found = torch.relu(conv(found))
        residual: Tensor = self.conv_last(found)
        return [large + residual]

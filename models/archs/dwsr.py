"""DWSR: convolutions in the wavelet bands of the bicubic upscaling (Guo et al. 2017)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pairmill.models.archs.haar import haar, unhaar
from pairmill.models.archs.layers import (
    INTERPOLATED,
    BicubicUp,
    Conv,
    Network,
    convolved,
    cropped,
    reflected,
)
from pairmill.schemas.networks.dwsr import DwsrConfig

BANDS = 4 * 3
"""Channels of an image's bands."""


class Dwsr(Network):
    """Pre-upsampling, at half the size of the HR: what the convolutions find is added to the bands.

    Differs from the paper: three channels instead of luma. Odd sides of the HR are continued by
    what mirrors them, and cut afterwards.
    """

    def __init__(self, config: DwsrConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.enlarge = BicubicUp(scale)
        self.conv_first = Conv(BANDS, features, 5, start="he")
        self.body = nn.ModuleList(
            Conv(features, features, start="he") for _ in range(config.depth)
        )
        self.conv_last = Conv(features, BANDS, start="he", gain=0.1)

    def reach(self) -> int:
        """See `Network.reach`; a band pixel is two HR pixels wide."""
        return math.ceil((2 * convolved(self) + 1) / self.scale) + INTERPOLATED

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        large = self.enlarge(lr)
        bands = haar(reflected(large, 2))
        values = torch.relu(self.conv_first(bands))
        for conv in self.body:
            values = torch.relu(conv(values))
        return cropped(unhaar(bands + self.conv_last(values)), *large.shape[2:])

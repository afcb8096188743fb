"""DWSR: convolutions in the wavelet bands of the bicubic upscaling (Guo et al. 2017)."""

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
from pairmill.schemas.networks.dwsr import DwsrConfig


class Dwsr(LumaNetwork, MultiScale):
    """Pre-upsampling, at half the size of the HR: what the convolutions find is added to the bands.

    Odd sides of the HR are continued by what mirrors them, and cut afterwards.
    """

    def __init__(self, config: DwsrConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, bands = config.features, 4 * self.channels
        self.bands_first = Conv(bands, features, 5, start="he")
        self.body = nn.ModuleList(Conv(features, features, start="he") for _ in range(config.depth))
        self.bands_last = Conv(features, bands, start="he", gain=0.1)

    def reach(self) -> int:
        """See `Network.reach`; a band pixel is two HR pixels wide."""
        return math.ceil((2 * convolved(self) + 1) / self.scale) + INTERPOLATED

    def restore(self, lr: Tensor) -> Tensor:
        """See `LumaNetwork`."""
        large = self.bicubic(lr)
        bands = haar(reflected(large, 2))
        values = torch.relu(self.bands_first(bands))
        for conv in self.body:
            values = torch.relu(conv(values))
        return cropped(unhaar(bands + self.bands_last(values)), *large.shape[2:])

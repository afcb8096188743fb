"""EDSR: residual blocks without normalisation, then an enlargement in steps (Lim et al. 2017); names of BasicSR."""

from __future__ import annotations

from torch import Tensor, nn

from models.archs.layers import Conv, Network, Normalise, ResidualBlock, Upsample
from schemas.network import EdsrConfig


class Edsr(Network):
    """Post-upsampling: all blocks work at the size of the LR."""

    def __init__(self, config: EdsrConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first = Conv(3, features)
        self.body = nn.Sequential(*(ResidualBlock(features, config.residual_scale) for _ in range(config.blocks)))
        self.conv_after_body = Conv(features, features)
        self.upsample = Upsample(features, scale)
        self.conv_last = Conv(features, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        first = self.conv_first(self.normalise(lr))
        body = self.conv_after_body(self.body(first)) + first
        return self.normalise.back(self.conv_last(self.upsample(body)))

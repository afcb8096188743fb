"""MDSR: EDSR with a head for each scale (Lim et al. 2017)."""

from __future__ import annotations

from torch import Tensor, nn

from pairmill.models.archs.layers import (
    Conv,
    MultiScale,
    Normalise,
    ResidualBlock,
    Upsample,
    convolved,
)
from pairmill.schemas.networks.mdsr import MdsrConfig

SIDE = 5
"""Of the filters that only one scale has."""


class Mdsr(MultiScale):
    """What a scale has for itself is two residual blocks before the shared ones, and the upsampling
    layers. Differs from the authors' only in that the heads can be those of any scales.
    """

    def __init__(self, config: MdsrConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, self.heads = config.features, config.heads_at(scale)
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first = Conv(3, features)
        self.pre_process = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(features, side=SIDE) for _ in range(2)))
            for _ in self.heads
        )
        self.body = nn.Sequential(*(ResidualBlock(features) for _ in range(config.blocks)))
        self.conv_after_body = Conv(features, features)
        self.upsample = nn.ModuleList(Upsample(features, each) for each in self.heads)
        self.conv_last = Conv(features, 3)

    def reach(self) -> int:
        """See `Network.reach`; heads of other scales do not matter."""
        return convolved(self) - sum(
            convolved(part)
            for parts in (self.pre_process, self.upsample)
            for number, part in enumerate(parts)
            if self.heads[number] != self.scale
        )

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        head = self.heads.index(self.scale)
        first = self.pre_process[head](self.conv_first(self.normalise(lr)))
        body = self.conv_after_body(self.body(first)) + first
        return self.normalise.back(self.conv_last(self.upsample[head](body)))

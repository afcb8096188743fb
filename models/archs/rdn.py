"""RDN: residual dense blocks, all of them fused at the end (Zhang et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, Fuse, Network, Normalise, Upsample
from pairmill.schemas.networks.rdn import DenseBodyConfig, RdnConfig


class DenseBlock(nn.Module):
    """Convolutions that see all before them, fused and added to what came in."""

    def __init__(self, config: DenseBodyConfig) -> None:
        super().__init__()
        features, growth, layers = config.features, config.growth, config.layers
        self.convs = nn.ModuleList(
            Conv(features + number * growth, growth) for number in range(layers)
        )
        self.fuse = Fuse(features + layers * growth, features)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        seen = [x]
        for conv in self.convs:
            seen.append(torch.relu(conv(torch.cat(seen, 1))))
        added: Tensor = self.fuse(seen)
        return x + added


class DenseBody(Network):
    """The features of RDN, at the size of the LR: what all blocks make together is added to the
    first.
    """

    def __init__(self, config: DenseBodyConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.normalise = Normalise((0.0, 0.0, 0.0), config.range)
        self.conv_first, self.conv_second = Conv(3, features), Conv(features, features)
        self.body = nn.ModuleList(DenseBlock(config) for _ in range(config.blocks))
        self.fuse = Fuse(config.blocks * features, features)
        self.conv_after_body = Conv(features, features)

    def features(self, lr: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, features, h, w)."""
        first = self.conv_first(self.normalise(lr))
        found = self.conv_second(first)
        made: list[Tensor] = []
        for block in self.body:
            found = block(found)
            made.append(found)
        whole: Tensor = self.conv_after_body(self.fuse(made)) + first
        return whole


class Rdn(DenseBody):
    """Post-upsampling in steps."""

    def __init__(self, config: RdnConfig, scale: int) -> None:
        super().__init__(config, scale)
        self.upsample = Upsample(config.growth, scale, config.features)
        self.conv_last = Conv(config.growth, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        return self.normalise.back(self.conv_last(self.upsample(self.features(lr))))

"""MSRN: filters of two sizes side by side, all blocks fused at the end (Li et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, Fuse, Network, Normalise, Upsample
from pairmill.schemas.networks.msrn import MsrnConfig


class Block(nn.Module):
    """3 x 3 and 5 x 5 filters, both seen by the next 3 x 3 and 5 x 5 ones, fused and added."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.small1, self.large1 = (Conv(features, features, side) for side in (3, 5))
        self.small2, self.large2 = (Conv(2 * features, 2 * features, side) for side in (3, 5))
        self.fuse = Fuse(4 * features, features)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        both = torch.relu(torch.cat([self.small1(x), self.large1(x)], 1))
        added: Tensor = self.fuse([torch.relu(self.small2(both)), torch.relu(self.large2(both))])
        return x + added


class Msrn(Network):
    """Post-upsampling; the first features and those of all blocks together, without a skip."""

    def __init__(self, config: MsrnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first = Conv(3, features)
        self.body = nn.ModuleList(Block(features) for _ in range(config.blocks))
        self.fuse = Fuse((config.blocks + 1) * features, features)
        self.conv_after_body = Conv(features, features)
        self.upsample = Upsample(features, scale)
        self.conv_last = Conv(features, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        made = [self.conv_first(self.normalise(lr))]
        for block in self.body:
            made.append(block(made[-1]))
        body = self.conv_after_body(self.fuse(made))
        return self.normalise.back(self.conv_last(self.upsample(body)))

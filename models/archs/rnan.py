"""RNAN: residual blocks whose features are masked by an hourglass, the first and the last of which
looks at the whole image (Zhang et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.attention import NonLocal
from pairmill.models.archs.layers import (
    Conv,
    Deconv,
    PostUpsampling,
    ResidualBlock,
    cropped,
    reflected,
)
from pairmill.schemas.networks.rnan import RnanConfig


class Mask(nn.Module):
    """A number in (0, 1) for every place and channel, from the features at half the size."""

    def __init__(self, config: RnanConfig, whole: bool) -> None:
        super().__init__()
        features = config.features
        first = [NonLocal(features, config.inner)] if whole else []
        self.first = nn.Sequential(*first, ResidualBlock(features))
        self.hourglass = nn.Sequential(
            Conv(features, features, 3, 2),
            ResidualBlock(features),
            ResidualBlock(features),
            Deconv(features, features, 6, 2, 2),
        )
        self.last = nn.Sequential(ResidualBlock(features), Conv(features, features, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) with even sides to the same."""
        x = self.first(x)
        return torch.sigmoid(self.last(x + self.hourglass(x)))


class Group(nn.Module):
    """Residual blocks before, under and behind a mask."""

    def __init__(self, config: RnanConfig, whole: bool) -> None:
        super().__init__()
        features = config.features
        self.first = ResidualBlock(features)
        self.trunk = nn.Sequential(ResidualBlock(features), ResidualBlock(features))
        self.mask = Mask(config, whole)
        self.last = nn.Sequential(
            ResidualBlock(features), ResidualBlock(features), Conv(features, features)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) with even sides to the same."""
        x = self.first(x)
        found: Tensor = self.last(x + self.trunk(x) * self.mask(x))
        return found


class Rnan(PostUpsampling):
    """Groups in the frame of EDSR.

    Differs from the authors' program: the softmax is over keys instead of queries; odd sides, at
    which its masks do not fit, are continued by what mirrors them and cut afterwards.
    """

    def __init__(self, config: RnanConfig, scale: int) -> None:
        ends = {0, config.groups - 1}
        super().__init__(config, scale, (Group(config, n in ends) for n in range(config.groups)))

    def reach(self) -> None:
        """See `Network.reach`: two masks look at all of it."""

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        height, width = lr.shape[2:]
        found = super().forward(reflected(lr, 2))
        return cropped(found, self.scale * height, self.scale * width)

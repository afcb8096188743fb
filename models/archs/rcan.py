"""RCAN: groups of residual blocks whose channels are weighted by what is in them (Zhang et al.
2018); names of BasicSR.
"""

from __future__ import annotations

from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, PostUpsampling
from pairmill.schemas.networks.rcan import RcanConfig


class Attention(nn.Module):
    """Every channel times a number in (0, 1) that follows from the means of all."""

    def __init__(self, features: int, squeeze: int) -> None:
        super().__init__()
        few = features // squeeze
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            Conv(features, few, 1),
            nn.ReLU(),
            Conv(few, features, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        weights: Tensor = self.attention(x)
        return x * weights


class Block(nn.Module):
    """Two convolutions and an attention, with a skip connection."""

    def __init__(self, config: RcanConfig) -> None:
        super().__init__()
        features = config.features
        attention = Attention(features, config.squeeze)
        self.rcab = nn.Sequential(
            Conv(features, features), nn.ReLU(), Conv(features, features), attention
        )
        self.scale = config.residual_scale

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        added: Tensor = self.rcab(x)
        return x + added * self.scale


class Group(nn.Module):
    """Blocks and a convolution, with a skip connection."""

    def __init__(self, config: RcanConfig) -> None:
        super().__init__()
        self.residual_group = nn.Sequential(*(Block(config) for _ in range(config.blocks)))
        self.conv = Conv(config.features, config.features)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        added: Tensor = self.conv(self.residual_group(x))
        return x + added


class Rcan(PostUpsampling):
    """Groups of blocks. The means go over the whole image, so tiles do not give quite the same as
    the image at once.
    """

    def __init__(self, config: RcanConfig, scale: int) -> None:
        super().__init__(config, scale, (Group(config) for _ in range(config.groups)))

    def reach(self) -> None:
        """See `Network.reach`: the means are over all of it."""

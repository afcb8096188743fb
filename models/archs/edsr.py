"""EDSR: residual blocks without normalisation, then upsampling in steps (Lim et al. 2017);
names of BasicSR.
"""

from __future__ import annotations

from torch import nn

from pairmill.models.archs.layers import Conv, PostUpsampling, ResidualBlock
from pairmill.schemas.networks.edsr import EdsrConfig


class Separable(nn.Sequential):
    """A convolution of 3 x 3 in two: each channel by itself, then all channels of each pixel, 9 C +
    C**2 weights instead of 9 C**2.
    """

    def __init__(self, features: int) -> None:
        super().__init__(Conv(features, features, groups=features), Conv(features, features, 1))


class SeparableBlock(ResidualBlock):
    """A residual block of separable convolutions."""

    def __init__(self, features: int, scale: float) -> None:
        super().__init__(features, scale)
        self.conv1 = Separable(features)
        self.conv2 = Separable(features)


class Edsr(PostUpsampling):
    """Residual blocks."""

    def __init__(self, config: EdsrConfig, scale: int) -> None:
        block = SeparableBlock if config.separable else ResidualBlock
        blocks = (block(config.features, config.residual_scale) for _ in range(config.blocks))
        super().__init__(config, scale, blocks)

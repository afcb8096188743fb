"""LR is cleaned at its size, then upscaled by any other network: what Maeda and CinCGAN train."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from pairmill.models.archs.layers import Conv, Network, ResidualBlock, convolved
from pairmill.schemas.network import CleanedConfig

SLOPE = 0.1
STILL = 0.01
"""Gain of the last convolution: at the start hardly anything is changed."""


class Cleaner(nn.Module):
    """Residual blocks between two convolutions; what they find is added to the image (UnpairedSR's
    Translator of scale 1).
    """

    def __init__(self, features: int, blocks: int) -> None:
        super().__init__()
        self.conv_first = Conv(3, features, start="he")
        self.body = nn.Sequential(
            *(ResidualBlock(features, blocks**-0.5, start="he") for _ in range(blocks))
        )
        self.conv_last = Conv(features, 3, start="he", gain=STILL)

    def forward(self, lr: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1] to the same, not clipped."""
        values = self.body(leaky_relu(self.conv_first(lr), SLOPE))
        cleaned: Tensor = lr + self.conv_last(leaky_relu(values, SLOPE))
        return cleaned


class Cleaned(Network):
    """A cleaner and the network behind it.

    Args:
        config: settings.
        scale: HR side over LR side.
        network: the network of `config.network`.
    """

    def __init__(self, config: CleanedConfig, scale: int, network: Network) -> None:
        super().__init__(config, scale)
        self.cleaner = Cleaner(config.features, config.blocks)
        self.network = network

    def reach(self) -> int | None:
        """See `Network.reach`."""
        behind = self.network.reach()
        return None if behind is None else convolved(self.cleaner) + behind

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        found: Tensor = self.network(self.cleaner(lr))
        return found

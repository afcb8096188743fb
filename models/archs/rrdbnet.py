"""RRDBNet: residual-in-residual dense blocks, the generator of ESRGAN and Real-ESRGAN (Wang et al.
2018); names of BasicSR.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_unshuffle

from pairmill.models.archs.layers import INTERPOLATED, Conv, Network, convolved, cropped, reflected
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig

SLOPE = 0.2
CALM = 0.2
"""Factor of what a dense block and a block of three add."""
TALL = 4
"""What the tail always upscales by."""


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees all before it."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for number in range(1, 6):
            outputs = features if number == 5 else growth
            self.add_module(
                f"conv{number}",
                Conv(features + (number - 1) * growth, outputs, start="he", gain=0.1),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        seen = x
        for number in range(1, 5):
            seen = torch.cat(
                [seen, leaky_relu(self.get_submodule(f"conv{number}")(seen), SLOPE)], 1
            )
        added: Tensor = self.get_submodule("conv5")(seen)
        return x + CALM * added


class Block(nn.Module):
    """Three dense blocks with a skip connection."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(features, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        added: Tensor = self.rdb3(self.rdb2(self.rdb1(x)))
        return x + CALM * added


class RrdbNet(Network):
    """Upscales by 4. For scale 2 or 1 blocks of 2 x 2 or 4 x 4 pixels become channels first;
    mirrored ones fill the last.
    """

    def __init__(self, config: RrdbNetConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.packed = TALL // scale
        self.conv_first = Conv(3 * self.packed**2, features)
        self.body = nn.Sequential(*(Block(features, config.growth) for _ in range(config.blocks)))
        self.conv_body = Conv(features, features)
        self.conv_up1, self.conv_up2, self.conv_hr = (Conv(features, features) for _ in range(3))
        self.conv_last = Conv(features, 3)

    def reach(self) -> int:
        """See `Network.reach`; a step of a convolution is a block of packed pixels."""
        return self.packed * (convolved(self) + INTERPOLATED)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        height, width = (self.scale * length for length in lr.shape[2:])
        values = self.conv_first(pixel_unshuffle(reflected(lr, self.packed), self.packed))
        values = values + self.conv_body(self.body(values))
        for layer in (self.conv_up1, self.conv_up2):
            values = leaky_relu(layer(interpolate(values, scale_factor=2, mode="nearest")), SLOPE)
        found: Tensor = self.conv_last(leaky_relu(self.conv_hr(values), SLOPE))
        return found if self.packed == 1 else cropped(found, height, width)

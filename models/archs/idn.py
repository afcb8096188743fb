"""IDN: blocks that keep a part of their features and go on with the rest (Hui et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pixel_shuffle

from pairmill.models.archs.layers import BicubicUp, Conv, Network
from pairmill.schemas.networks.idn import GROUPS, IdnConfig

SLOPE = 0.05


class Block(nn.Module):
    """Three convolutions; the first of their channels are kept as they are, three more enhance the
    others; the sum of both, with what came in, is compressed.
    """

    def __init__(self, features: int, kept: int) -> None:
        super().__init__()
        self.kept, less = kept, features - kept
        widths = (features, less, less - kept, features)
        self.short = nn.Sequential(*_three(widths))
        self.long = nn.Sequential(*_three((less, features, less, features + kept)))
        self.compress = Conv(features + kept, features, 1, start="he")

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        found: Tensor = self.short(x)
        kept, rest = found[:, : self.kept], found[:, self.kept :]
        enhanced = self.long(rest) + torch.cat([x, kept], 1)
        return leaky_relu(self.compress(enhanced), SLOPE)


class Idn(Network):
    """Post-upsampling over the bicubic one."""

    def __init__(self, config: IdnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.enlarge = BicubicUp(scale)
        self.conv_first, self.conv_second = (
            Conv(inputs, features, start="he") for inputs in (3, features)
        )
        self.body = nn.Sequential(*(Block(features, config.kept) for _ in range(config.blocks)))
        self.conv_after_body = Conv(features, features, start="he")
        self.conv_last = Conv(features, 3 * scale**2, start="he", gain=0.1)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        found = leaky_relu(self.conv_first(lr), SLOPE)
        found = self.body(leaky_relu(self.conv_second(found), SLOPE))
        found = leaky_relu(self.conv_after_body(found), SLOPE)
        large: Tensor = self.enlarge(lr)
        return large + pixel_shuffle(self.conv_last(found), self.scale)


def _three(widths: tuple[int, int, int, int]) -> list[nn.Module]:
    """Three convolutions from one width to the next, the second in groups."""
    first, second, third, last = widths
    return [
        Conv(first, second, start="he"),
        nn.LeakyReLU(SLOPE),
        Conv(second, third, start="he", groups=GROUPS),
        nn.LeakyReLU(SLOPE),
        Conv(third, last, start="he"),
        nn.LeakyReLU(SLOPE),
    ]

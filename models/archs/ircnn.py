"""IRCNN: seven dilated convolutions that find the noise (Zhang et al. 2017); names of the published
files.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from pairmill.models.archs.layers import INTERPOLATED, BicubicUp, Conv, Network
from pairmill.schemas.networks.ircnn import IrcnnConfig

DILATIONS = (1, 2, 3, 4, 3, 2, 1)
"""Distance of the taps of each convolution, in pixels."""


class Ircnn(Network):
    """What the convolutions find is taken away from the image.

    Differs from the paper: no normalisation, as in the published files; at scales above 1 it works
    on the bicubic upscaling, as DnCNN-3 does. A grey one gets each channel as an image of its own.
    """

    def __init__(self, config: IrcnnConfig, scale: int) -> None:
        super().__init__(config, scale)
        (first, *between, last), features = DILATIONS, config.features
        self.grey, channels = config.grey, 1 if config.grey else 3
        self.enlarge = BicubicUp(scale)
        head = Conv(channels, features, dilation=first, start="he")
        parts: list[nn.Module] = [head, nn.ReLU()]
        for apart in between:
            parts += [Conv(features, features, dilation=apart, start="he"), nn.ReLU()]
        self.model = nn.Sequential(
            *parts, Conv(features, channels, dilation=last, start="he", gain=0.1)
        )

    def reach(self) -> int:
        """See `Network.reach`; the convolutions are at the size of HR."""
        return math.ceil(sum(DILATIONS) / self.scale) + INTERPOLATED

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        x = self.enlarge(lr)
        seen = x.flatten(0, 1)[:, None] if self.grey else x
        noise: Tensor = self.model(seen)
        cleaned: Tensor = x - noise.reshape(x.shape)
        return cleaned

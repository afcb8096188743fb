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
    on the bicubic upscaling, as DnCNN-3 does.
    """

    def __init__(self, config: IrcnnConfig, scale: int) -> None:
        super().__init__(config, scale)
        (first, *between, last), features = DILATIONS, config.features
        self.enlarge = BicubicUp(scale)
        parts: list[nn.Module] = [Conv(3, features, dilation=first, start="he"), nn.ReLU()]
        for apart in between:
            parts += [Conv(features, features, dilation=apart, start="he"), nn.ReLU()]
        self.model = nn.Sequential(*parts, Conv(features, 3, dilation=last, start="he", gain=0.1))

    def reach(self) -> int:
        """See `Network.reach`; the convolutions are at the size of HR."""
        return math.ceil(sum(DILATIONS) / self.scale) + INTERPOLATED

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        x = self.enlarge(lr)
        cleaned: Tensor = x - self.model(x)
        return cleaned

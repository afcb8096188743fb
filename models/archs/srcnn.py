"""SRCNN: three convolutions over the bicubic upscaling (Dong et al. 2014), the first network for
super-resolution.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pairmill.models.archs.layers import BicubicUp, Conv, Network
from pairmill.schemas.networks.srcnn import SrcnnConfig


class Srcnn(Network):
    """Pre-upsampling: patches, a map, a reconstruction, all at the size of the HR.

    Differs from the paper: three channels instead of luma; borders are filled with zeros, so that
    no pixel is lost; initial weights after He et al., the paper's normal ones of deviation 0.001
    need 10^8 backpropagations.
    """

    def __init__(self, config: SrcnnConfig, scale: int) -> None:
        super().__init__(config, scale)
        (first, second), sides = config.features, config.sides
        self.enlarge = BicubicUp(scale)
        self.conv1 = Conv(3, first, sides[0], start="he")
        self.conv2 = Conv(first, second, sides[1], start="he")
        self.conv3 = Conv(second, 3, sides[2], start="he", gain=0.5)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        values = torch.relu(self.conv1(self.enlarge(lr)))
        found: Tensor = self.conv3(torch.relu(self.conv2(values)))
        return found

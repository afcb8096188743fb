"""ESPCN: three convolutions at the size of the LR, the last of which makes all pixels of a block
(Shi et al. 2016).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle

from pairmill.models.archs.layers import Conv, Network
from pairmill.schemas.networks.espcn import EspcnConfig


class Espcn(Network):
    """Post-upsampling at its plainest: 5 x 5, 3 x 3, 3 x 3 with tanh between, then channels become
    pixels.

    Differs from the paper: three channels instead of luma; borders are filled with zeros.
    """

    def __init__(self, config: EspcnConfig, scale: int) -> None:
        super().__init__(config, scale)
        first, second = config.features
        self.conv1 = Conv(3, first, 5)
        self.conv2 = Conv(first, second)
        self.conv3 = Conv(second, 3 * scale**2)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        values = torch.tanh(self.conv2(torch.tanh(self.conv1(lr))))
        return pixel_shuffle(self.conv3(values), self.scale)

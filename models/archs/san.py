"""SAN: groups of residual blocks whose channels are weighted by their covariance, between two
attentions within quadrants (Dai et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.attention import NonLocal, SecondOrder
from pairmill.models.archs.layers import Conv, Network, Normalise, ResidualBlock, Upsample
from pairmill.schemas.networks.san import SanConfig

QUADRANTS = 2


class Group(nn.Module):
    """Residual blocks, the weights of channels and a convolution, with a skip connection."""

    def __init__(self, config: SanConfig) -> None:
        super().__init__()
        features = config.features
        self.body = nn.Sequential(
            *(ResidualBlock(features) for _ in range(config.blocks)),
            SecondOrder(features, config.squeeze),
            Conv(features, features),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        added: Tensor = self.body(x)
        return x + added


class San(Network):
    """Groups that share a source: the features after the first attention are added, times a learned
    number, to what each makes.

    Differs from the authors' program: layers that it has and never uses are left out (38 044
    weights), and no size of image is treated apart. The covariances are over the whole image, so
    tiles do not give quite the same as the image at once.
    """

    def __init__(self, config: SanConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first = Conv(3, features)
        self.non_local = NonLocal(features, config.inner, QUADRANTS)
        self.groups = nn.ModuleList(Group(config) for _ in range(config.groups))
        self.share = nn.Parameter(torch.zeros(1))
        self.upsample = Upsample(features, scale)
        self.conv_last = Conv(features, 3)

    def reach(self) -> None:
        """See `Network.reach`: the covariances are over all of it."""

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        first = self.conv_first(self.normalise(lr))
        source = self.non_local(first)
        values = source
        for group in self.groups:
            values = group(values) + self.share * source
        values = self.non_local(values) + first
        return self.normalise.back(self.conv_last(self.upsample(values)))

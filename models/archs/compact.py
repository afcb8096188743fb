"""The compact network of the Real-ESRGAN family (SRVGGNetCompact): a row of convolutions with
PReLU; names of BasicSR.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

from pairmill.models.archs.layers import Conv, Network
from pairmill.schemas.networks.compact import CompactConfig


class Compact(Network):
    """What it learns is added to the image of repeated pixels."""

    def __init__(self, config: CompactConfig, scale: int) -> None:
        super().__init__(config, scale)
        layers: list[nn.Module] = []
        for number in range(config.blocks + 1):
            layers += [
                Conv(config.features if number else 3, config.features),
                nn.PReLU(config.features),
            ]
        self.body = nn.Sequential(*layers, Conv(config.features, 3 * scale**2))

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        return pixel_shuffle(self.body(lr), self.scale) + interpolate(
            lr, scale_factor=self.scale, mode="nearest"
        )

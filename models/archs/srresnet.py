"""SRResNet without normalisation: what it learns is added to the bilinear upscaling; names of
BasicSR's MSRResNet.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_shuffle

from pairmill.models.archs.layers import Conv, Network, ResidualBlock
from pairmill.schemas.networks.srresnet import SrResNetConfig

SLOPE = 0.1


class SrResNet(Network):
    """Post-upsampling: `upconv1`, `upconv2`, ... upscale by 2 each, or `upconv1` by 3 (Ledig et al.
    2017; Wang et al. 2018).
    """

    def __init__(self, config: SrResNetConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.conv_first = Conv(3, features, start="he", gain=0.1)
        self.body = nn.Sequential(
            *(ResidualBlock(features, start="he", gain=0.1) for _ in range(config.blocks))
        )
        if scale == 3:
            self.steps = [3]
        else:
            self.steps = [2] * (scale.bit_length() - 1)
        for number, step in enumerate(self.steps, 1):
            self.add_module(
                f"upconv{number}", Conv(features, features * step**2, start="he", gain=0.1)
            )
        self.conv_hr = Conv(features, features, start="he", gain=0.1)
        self.conv_last = Conv(features, 3, start="he", gain=0.1)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        values = self.body(leaky_relu(self.conv_first(lr), SLOPE))
        for number, step in enumerate(self.steps, 1):
            values = leaky_relu(
                pixel_shuffle(self.get_submodule(f"upconv{number}")(values), step), SLOPE
            )
        added: Tensor = self.conv_last(leaky_relu(self.conv_hr(values), SLOPE))
        return added + interpolate(
            lr, scale_factor=self.scale, mode="bilinear", align_corners=False
        )

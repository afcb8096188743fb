"""SRDenseNet: dense blocks, all of them fused, transposed convolutions (Tong et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, Deconv, Fuse, Network, convolved, steps
from pairmill.schemas.networks.srdensenet import SrDenseNetConfig


class DenseBlock(nn.Module):
    """Convolutions that see all before them in the block; their results are the block's."""

    def __init__(self, inputs: int, layers: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            Conv(inputs + number * growth, growth, start="he") for number in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, layers growth, h, w)."""
        seen = [x]
        for conv in self.convs:
            seen.append(torch.relu(conv(torch.cat(seen, 1))))
        return torch.cat(seen[1:], 1)


class SrDenseNet(Network):
    """Post-upsampling, with the features of all levels. There is no official code, and ports
    differ: here every convolution of a block sees its input.

    Differs from the paper: three channels instead of luma; filters that upscale have side stride +
    2, so that their middle stands where the pixel is.
    """

    def __init__(self, config: SrDenseNetConfig, scale: int) -> None:
        super().__init__(config, scale)
        made = config.layers * config.growth
        self.conv_first = Conv(3, config.features, start="he")
        self.body = nn.ModuleList(
            DenseBlock(made if number else config.features, config.layers, config.growth)
            for number in range(config.blocks)
        )
        self.fuse = Fuse(config.features + config.blocks * made, config.fused, start="he")
        self.upsample = nn.ModuleList(
            Deconv(config.fused, config.fused, stride + 2, stride, 1, start="he")
            for stride in steps(scale)
        )
        self.conv_last = Conv(config.fused, 3, start="he", gain=0.1)

    def reach(self) -> int:
        """See `Network.reach`; a filter that upscales reaches one of its pixels."""
        return convolved(self.conv_first) + convolved(self.body) + len(self.upsample) + 1

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        made = [torch.relu(self.conv_first(lr))]
        for block in self.body:
            made.append(block(made[-1]))
        found = torch.relu(self.fuse(made))
        for up in self.upsample:
            found = torch.relu(up(found))
        sr: Tensor = self.conv_last(found)
        return sr

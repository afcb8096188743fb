"""CARN and CARN-M: residual blocks whose results cascade (Ahn et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, Fuse, MultiScale, Normalise, convolved, steps
from pairmill.schemas.networks.carn import CarnConfig

LENGTH = 3
"""Blocks of a cascade, and cascades of the network."""


class Block(nn.Module):
    """relu(x + convolutions), ReLU between: two plain ones, or two in groups and one 1 x 1."""

    def __init__(self, config: CarnConfig) -> None:
        super().__init__()
        features, groups = config.features, config.groups if config.mobile else 1
        self.conv1, self.conv2 = (Conv(features, features, groups=groups) for _ in range(2))
        self.conv3 = Conv(features, features, 1) if config.mobile else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        found: Tensor = self.conv2(torch.relu(self.conv1(x)))
        if self.conv3 is not None:
            found = self.conv3(torch.relu(found))
        return torch.relu(x + found)


class Cascade(nn.Module):
    """Every block sees all results before it, fused by a 1 x 1 convolution and ReLU.

    Args:
        features: Channels.
        make: A block, (B, features, h, w) to the same.
        shared: Whether one block is used again and again.
    """

    def __init__(self, features: int, make: Callable[[], nn.Module], *, shared: bool) -> None:
        super().__init__()
        self.shared = shared
        for number in range(1, LENGTH + 1):
            if number == 1 or not shared:
                self.add_module(f"b{number}", make())
            self.add_module(f"c{number}", Fuse((number + 1) * features, features))

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        found, seen = x, [x]
        for number in range(1, LENGTH + 1):
            block = self.get_submodule("b1" if self.shared else f"b{number}")
            seen.append(block(found))
            found = torch.relu(self.get_submodule(f"c{number}")(seen))
        return found


class Carn(MultiScale):
    """A cascade of cascades, then convolution, ReLU and shuffle per doubling."""

    def __init__(self, config: CarnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features = config.features
        self.normalise = Normalise(config.mean, 1.0)
        self.conv_first = Conv(3, features)

        def inner() -> nn.Module:
            return Cascade(features, lambda: Block(config), shared=config.mobile)

        self.body = Cascade(features, inner, shared=False)
        self.upsample = nn.ModuleDict(
            {f"up{each}": nn.Sequential(*head(config, each)) for each in config.heads_at(scale)}
        )
        self.conv_last = Conv(features, 3)

    def reach(self) -> int:
        """See `Network.reach`; each of the blocks has two convolutions, shared or not."""
        head = self.upsample[f"up{self.scale}"]
        ends = (self.conv_first, head, self.conv_last)
        return 2 * LENGTH**2 + sum(convolved(part) for part in ends)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        body = self.body(self.conv_first(self.normalise(lr)))
        return self.normalise.back(self.conv_last(self.upsample[f"up{self.scale}"](body)))


def head(config: CarnConfig, scale: int) -> Iterator[nn.Module]:
    """The upsampling layers for a scale; entries 0, 3, ... have the weights."""
    groups = config.groups if config.mobile else 1
    for step in steps(scale):
        yield Conv(config.features, step**2 * config.features, groups=groups)
        yield nn.ReLU()
        yield nn.PixelShuffle(step)

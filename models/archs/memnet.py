"""MemNet: blocks that remember what all blocks before have made (Tai et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, Fuse
from pairmill.models.archs.preupsampling import Ensemble
from pairmill.models.archs.recursion import PreActivated, Recursion
from pairmill.schemas.networks.memnet import MemNetConfig


class Memory(nn.Module):
    """A recursive unit, and a gate that fuses its states with the memories so far."""

    def __init__(self, features: int, recursions: int, memories: int) -> None:
        super().__init__()
        # What is added to itself so often begins small, for nothing normalises it.
        unit = PreActivated(features, 2, gain=0.1)
        self.recursion = Recursion(unit, recursions, "previous")
        self.gate = Fuse((memories + recursions) * features, features, start="he")

    def forward(self, memories: list[Tensor]) -> Tensor:
        """Some (B, features, H, W) to one more."""
        states = self.recursion.states(memories[-1])
        found: Tensor = self.gate([torch.relu(each) for each in (*memories, *states)])
        return found


class MemNet(Ensemble):
    """An image of each memory, by one convolution, over the upscaled one; their weighted sum is the
    result. All count the same in a loss.

    Differs from the paper: no batch normalisation, as `Drrn`; the weights of the sum begin as one
    over their number, not as 1, with which it would begin several times too bright; three channels
    where `luma` is not set.
    """

    def __init__(self, config: MemNetConfig, scale: int) -> None:
        super().__init__(config, scale, config.blocks)
        features, self.recursions = config.features, config.recursions
        self.conv_first = Conv(self.channels, features, start="he")
        self.memories = nn.ModuleList(
            Memory(features, config.recursions, number + 1) for number in range(config.blocks)
        )
        self.conv_last = Conv(features, self.channels, start="he", gain=0.1)

    def radius(self) -> int:
        """See `PreUpsampling`: 74, for a field of 149, as published."""
        return 2 * self.recursions * len(self.memories) + 2

    def corrected(self, large: Tensor) -> list[Tensor]:
        """See `PreUpsampling`."""
        found = [self.conv_first(large)]
        for memory in self.memories:
            found.append(memory(found))
        images = [large + self.conv_last(torch.relu(each)) for each in found[1:]]
        return [*images, self.weighted(images)]

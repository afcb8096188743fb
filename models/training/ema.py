"""The EMA of the weights of a network."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Mean:
    """An exponential mean of weights; buffers are taken over as they are.

    Args:
        network: what is trained.
        memory: share of the old mean that is kept at each step.
    """

    def __init__(self, network: nn.Module, memory: float) -> None:
        self.memory = memory
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self.pairs = list(zip(self.network.parameters(), network.parameters(), strict=True))
        self.buffers = list(zip(self.network.buffers(), network.buffers(), strict=True))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` steps, at least 1; the memory is short at first: the
        start is soon forgotten.
        """
        keep = min(self.memory, step / (10 + step))
        torch._foreach_lerp_(
            [mean for mean, _ in self.pairs], [now for _, now in self.pairs], 1 - keep
        )
        for mean, now in self.buffers:
            mean.copy_(now)

"""All that a network finds on its way to its result, as one output."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Steps(nn.Module):
    """What a network that finds the kernel by itself makes of one image, step by step.

    Args:
        network: with `estimates`, see `archs.taught.Taught`.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        """(1, 3, h, w) in [0, 1] to (steps, 3, scale h, scale w), the last of which is the
        result.
        """
        return torch.cat([each.sr for each in self.network.estimates(lr)])

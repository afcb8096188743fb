"""A block that is applied again and again, with the same weights each time."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from pairmill.models.archs.layers import Conv

Skip = Literal["none", "start", "previous"]
"""What is added to each result: nothing, what the recursion began with, or what the block was
given."""


class Recursion(nn.Module):
    """x, block(x) + skip, ...

    Args:
        block: (B, C, h, w) to the same.
        times: How often it is applied; changes no number of weights.
        skip: What is added each time.
    """

    def __init__(self, block: nn.Module, times: int, skip: Skip = "none") -> None:
        super().__init__()
        self.block, self.times, self.skip = block, times, skip

    def states(self, x: Tensor) -> list[Tensor]:
        """(B, C, h, w) to the result of each time."""
        found, now = list[Tensor](), x
        for _ in range(self.times):
            made = self.block(now)
            if self.skip != "none":
                made = made + (x if self.skip == "start" else now)
            found.append(made)
            now = made
        return found

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the last result."""
        return self.states(x)[-1]


class PreActivated(nn.Module):
    """Convolutions, each after its activation: leaky ReLU, of slope 0 plain ReLU.

    Args:
        features: Channels.
        depth: Convolutions.
        slope: Below 0.
        gain: Of the initial weights of the last convolution, so that much may be added to itself.
    """

    def __init__(self, features: int, depth: int, slope: float = 0.0, gain: float = 1.0) -> None:
        super().__init__()
        gains = [1.0] * (depth - 1) + [gain]
        self.convs = nn.ModuleList(
            Conv(features, features, start="he", gain=each) for each in gains
        )
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        for conv in self.convs:
            x = conv(leaky_relu(x, self.slope))
        return x


class Unchanging(Conv):
    """A convolution that changes nothing before it has learned."""

    drawn: ClassVar[bool] = False

    def __init__(self, features: int) -> None:
        super().__init__(features, features)

    def draw(self, rng: np.random.Generator) -> None:  # noqa: ARG002
        """The identity."""
        nn.init.dirac_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

"""LapSRN: a pyramid that doubles the size at each level and adds a residual there (Lai et al.
2017).
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from pairmill.models.archs.layers import (
    Conv,
    Deconv,
    MultiScale,
    Pyramid,
    convolved,
    fill,
    in_full,
)
from pairmill.models.archs.recursion import PreActivated, Recursion
from pairmill.schemas.networks.lapsrn import LapSrnConfig

SLOPE = 0.2
BILINEAR = np.array([0.25, 0.75, 0.75, 0.25])


class Doubling(Deconv):
    """Doubles an image; bilinear at first, then learned. Its edge is repeated, where the paper's
    goes dark.

    Args:
        apart: Whether each colour is doubled alone, as in MS-LapSRN.
    """

    drawn: ClassVar[bool] = False

    def __init__(self, *, apart: bool = False) -> None:
        super().__init__(3, 3, 4, 2, 1, bias=False, groups=3 if apart else 1)

    def draw(self, rng: np.random.Generator) -> None:  # noqa: ARG002
        """Bilinear interpolation of each colour."""
        colours = np.eye(3) if self.groups == 1 else np.ones((3, 1))
        fill(self.weight, colours[:, :, None, None] * np.outer(BILINEAR, BILINEAR))

    def forward(self, image: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: ARG002
        """(B, 3, h, w) to (B, 3, 2 h, 2 w)."""
        with in_full(image):
            return super().forward(pad(image, (1, 1, 1, 1), mode="replicate"))[:, :, 2:-2, 2:-2]


class Level(nn.Module):
    """Convolutions, then twice the size: of the features, of the image, and the residual that is
    added to it.
    """

    def __init__(self, config: LapSrnConfig) -> None:
        super().__init__()
        features, depth, self.side = config.features, config.depth, config.side
        self.body: nn.Module | None = None
        if config.recursions:
            block = PreActivated(features, depth, SLOPE, gain=0.1)
            self.body = Recursion(block, config.recursions, "start")
        else:
            self.convs = nn.ModuleList(Conv(features, features, start="he") for _ in range(depth))
        self.up = Deconv(features, features, self.side, 2, self.side - 3, start="he")
        self.enlarge = Doubling(apart=bool(config.recursions))
        self.residual = Conv(features, 3, start="he", gain=0.1)

    def forward(self, features: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, features, h, w) and (B, 3, h, w) to the same at twice the size."""
        large = self.up(self._deep(features))
        if self.side == 3:  # one more than twice the size
            large = large[:, :, :-1, :-1]
        large = leaky_relu(large, SLOPE)
        return large, self.enlarge(image) + self.residual(large)

    def _deep(self, features: Tensor) -> Tensor:
        if self.body is not None:
            return leaky_relu(self.body(features), SLOPE)
        for conv in self.convs:
            features = leaky_relu(conv(features), SLOPE)
        return features


class LapSrn(Pyramid, MultiScale):
    """Progressive upsampling; the smaller scales are in it. Differs from the paper: three channels
    instead of luma.
    """

    def __init__(self, config: LapSrnConfig, scale: int) -> None:
        super().__init__(config, scale)
        self.first = Conv(3, config.features, start="he")
        self.again = max(0, config.recursions - 1) * config.depth
        self.levels = nn.ModuleList(
            Level(config) for _ in range(1 if config.shared else self.count)
        )

    @property
    def count(self) -> int:
        """How often the size is doubled."""
        return self.scale.bit_length() - 1

    def reach(self) -> int:
        """See `Network.reach`; each level reaches half as far as the one before."""
        halves = sum(0.5**level for level in range(self.count))
        return convolved(self.first) + math.ceil(halves * (convolved(self.levels[0]) + self.again))

    def pyramid(self, lr: Tensor) -> list[Tensor]:
        """See `Pyramid`; each image is twice as large as the one before."""
        features, image, found = leaky_relu(self.first(lr), SLOPE), lr, []
        for number in range(self.count):
            features, image = self.levels[number % len(self.levels)](features, image)
            found.append(image)
        return found

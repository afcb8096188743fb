"""SRFBN: one block of projections, fed with what it made before (Li et al. 2019)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pairmill.models.archs.layers import Conv, Normalise, Pyramid, in_full
from pairmill.models.archs.projections import SIDES, Active
from pairmill.schemas.networks.srfbn import SrfbnConfig

SLOPE = 0.2


class Feedback(nn.Module):
    """Projections up and down, densely connected at both sizes."""

    def __init__(self, features: int, groups: int, scale: int) -> None:
        super().__init__()
        side, padding = SIDES[scale]
        self.compress_in = Active(2 * features, features, 1, slope=SLOPE)
        self.ups, self.downs = (
            nn.ModuleList(
                Active(features, features, side, scale, padding, up=up, slope=SLOPE)
                for _ in range(groups)
            )
            for up in (True, False)
        )
        self.fuse_ups, self.fuse_downs = (
            nn.ModuleList(
                Active((number + 2) * features, features, 1, slope=SLOPE)
                for number in range(groups - 1)
            )
            for _ in range(2)
        )
        self.compress_out = Active(groups * features, features, 1, slope=SLOPE)

    def forward(self, features: Tensor, state: Tensor) -> Tensor:
        """(B, features, h, w) twice to the next state."""
        low = [self.compress_in(torch.cat([features, state], 1))]
        high: list[Tensor] = []
        for number, (up, down) in enumerate(zip(self.ups, self.downs, strict=True)):
            high.append(up(self._fused(low, self.fuse_ups, number)))
            low.append(down(self._fused(high, self.fuse_downs, number)))
        following: Tensor = self.compress_out(torch.cat(low[1:], 1))
        return following

    @staticmethod
    def _fused(parts: list[Tensor], fuses: nn.ModuleList, number: int) -> Tensor:
        joint = torch.cat(parts, 1)
        return fuses[number - 1](joint) if number else joint


class Srfbn(Pyramid):
    """An image per step, all of the size of the HR and each over the bilinear upscaling; the last
    is the result. The state lives in one call.
    """

    def __init__(self, config: SrfbnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, (side, padding) = config.features, SIDES[scale]
        self.steps, self.groups = config.steps, config.groups
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first = Active(3, 4 * features, 3, padding=1, slope=SLOPE)
        self.features = Active(4 * features, features, 1, slope=SLOPE)
        self.block = Feedback(features, config.groups, scale)
        self.up = Active(features, features, side, scale, padding, up=True, slope=SLOPE)
        self.conv_last = Conv(features, 3, start="he", gain=0.1)

    def reach(self) -> int:
        """See `Network.reach`; filters of projections are at the size of the HR."""
        filters = 2 * self.groups * self.steps + 1
        return 1 + math.ceil((filters * SIDES[self.scale][0] + 2) / (2 * self.scale))

    def pyramid(self, lr: Tensor) -> list[Tensor]:
        """See `Pyramid`; all images have the same size."""
        with in_full(lr):
            large = interpolate(lr, scale_factor=self.scale, mode="bilinear")
        features = self.features(self.conv_first(self.normalise(lr)))
        state = features
        found: list[Tensor] = []
        for _ in range(self.steps):
            state = self.block(features, state)
            residual = self.conv_last(self.up(state))
            found.append(large + residual / self.normalise.span)
        return found

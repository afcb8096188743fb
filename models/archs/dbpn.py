"""D-DBPN: projections up and down that correct themselves, densely connected (Haris et al. 2018);
names of the authors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, Network
from pairmill.models.archs.projections import SIDES, Active
from pairmill.schemas.networks.dbpn import DbpnConfig


class Projection(nn.Module):
    """There, back, and there again with what was lost: up (eqs. 1-5 of the paper) or down (eqs.
    6-10).
    """

    def __init__(self, inputs: int, features: int, scale: int, *, up: bool, dense: bool) -> None:
        super().__init__()
        side, padding = SIDES[scale]
        if dense:
            self.conv = Active(inputs, features, 1)
        self.word = "up" if up else "down"
        self.dense = dense
        for number in (1, 2, 3):
            there = up if number != 2 else not up
            self.add_module(
                f"{self.word}_conv{number}",
                Active(features, features, side, scale, padding, up=there),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, features, h scale, w scale), or / scale."""
        x = self.conv(x) if self.dense else x
        first, back, again = (
            self.get_submodule(f"{self.word}_conv{number}") for number in (1, 2, 3)
        )
        there: Tensor = first(x)
        return there + again(back(there) - x)  # type: ignore[no-any-return]


class Dbpn(Network):
    """Iterative up-and-down sampling: the result is made of the maps of all projections up."""

    def __init__(self, config: DbpnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, self.stages = config.features, config.stages
        self.feat0 = Active(3, config.start_features, 3, padding=1)
        self.feat1 = Active(config.start_features, features, 1)
        for number in range(1, self.stages + 1):
            maps = max(1, number - 1)
            self.add_module(
                f"up{number}",
                Projection(features * maps, features, scale, up=True, dense=number > 2),
            )
            if number < self.stages:
                self.add_module(
                    f"down{number}",
                    Projection(features * number, features, scale, up=False, dense=number > 1),
                )
        self.output_conv = nn.Module()
        self.output_conv.add_module("conv", Conv(features * self.stages, 3, start="he"))

    def reach(self) -> int:
        """See `Network.reach`; the filters of the projections are at the size of HR."""
        filters = 3 * (2 * self.stages - 1)
        return math.ceil(filters * SIDES[self.scale][0] / (2 * self.scale)) + 2

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        low = self.feat1(self.feat0(lr))
        ups: list[Tensor] = []
        downs: list[Tensor] = []
        for number in range(1, self.stages + 1):
            ups.insert(0, self.get_submodule(f"up{number}")(low))
            if number < self.stages:
                downs.insert(0, self.get_submodule(f"down{number}")(torch.cat(ups, 1)))
                low = torch.cat(downs, 1)
        return self.output_conv.get_submodule("conv")(torch.cat(ups, 1))  # type: ignore[no-any-return]

"""The frame of networks whose convolutions all follow the bicubic upscaling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import INTERPOLATED, MultiScale, Pyramid
from pairmill.models.archs.luma import LumaNetwork
from pairmill.schemas.networks.luma import LumaBase


class PreUpsampling(LumaNetwork, MultiScale):
    """What such a network sees is a blurred image of the size of the HR, so that the same weights
    serve every scale. Of three channels, or of luma as published.
    """

    def radius(self) -> int:
        """How many HR pixels away, at most, an output pixel sees the upscaled image."""
        raise NotImplementedError

    def corrected(self, large: Tensor) -> list[Tensor]:
        """(B, channels, H, W), upscaled, to one or several of the same; the last is the result."""
        raise NotImplementedError

    def reach(self) -> int:
        """See `Network.reach`."""
        return math.ceil(self.radius() / self.scale) + INTERPOLATED

    def restore(self, lr: Tensor) -> Tensor:
        """See `LumaNetwork`."""
        return self.corrected(self.bicubic(lr))[-1]


class Ensemble(PreUpsampling, Pyramid):
    """One with several images, whose weighted sum is the result; a loss sees all of them.

    Args:
        config: Settings.
        scale: HR pixels per LR pixel along each axis.
        count: Images besides the result; `shares` holds a learned weight of each, equal at first.
    """

    def __init__(self, config: LumaBase, scale: int, count: int) -> None:
        super().__init__(config, scale)
        self.shares = nn.Parameter(torch.full((count,), 1 / count))

    def weighted(self, images: Sequence[Tensor]) -> Tensor:
        """The weighted sum of images."""
        parts = zip(self.shares, images, strict=True)
        return torch.stack([share * image for share, image in parts]).sum(0)

    def pyramid(self, lr: Tensor) -> list[Tensor]:
        """See `Pyramid`; all images have the size of the result."""
        found = self.corrected(self.bicubic(self.seen(lr)))
        return [self.coloured(lr, image) for image in found]

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        return LumaNetwork.forward(self, lr)

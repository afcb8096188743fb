"""PatchGAN: one judgement per place, each of what a 70 x 70 window shows, with the names of pix2pix
(2 765 633 parameters).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from torch import Tensor, nn

from pairmill.models.discriminators.layers import SLOPE, SpectralConv, conv, draw_weights
from pairmill.schemas.discriminator import PatchConfig

DEVIATION = 0.02
"""Of initial weights (pix2pix)."""


class Patch(nn.Module):
    """4 x 4 convolutions, `halvings` of them with stride 2, then two with stride 1."""

    def __init__(self, config: PatchConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        widths = [min(2**depth, 8) * config.features for depth in range(config.halvings + 1)]
        layers = [self._conv(3, widths[0], 2), nn.LeakyReLU(SLOPE)]
        for depth, (inputs, outputs) in enumerate(pairwise(widths), 1):
            stride = 2 if depth < config.halvings else 1
            layers.append(self._conv(inputs, outputs, stride, bias=config.norm != "batch"))
            layers += [*self._norm(outputs), nn.LeakyReLU(SLOPE)]
        self.model = nn.Sequential(*layers, self._conv(widths[-1], 1, 1))
        draw_weights(self, rng, DEVIATION)

    def _conv(self, inputs: int, outputs: int, stride: int, *, bias: bool = True) -> nn.Module:
        made = SpectralConv if self.config.norm == "spectral" else conv
        return made(inputs, outputs, 4, stride, padding=self.config.padding, bias=bias)

    def _norm(self, channels: int) -> list[nn.Module]:
        if self.config.norm == "batch":
            return [nn.BatchNorm2d(channels)]
        if self.config.norm == "instance":
            return [nn.InstanceNorm2d(channels)]
        return []

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, 1, h', w'): the more, the more real.

        Raises:
            ValueError: if the image is too small for a single judgement.
        """
        problem = self.config.problem(min(image.shape[2:]))
        if problem is not None:
            raise ValueError(problem)
        judged: Tensor = self.model(image)
        return judged

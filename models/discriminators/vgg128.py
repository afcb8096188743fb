"""VGG-128: one judgement per image of 128 x 128 or 256 x 256, with BasicSR's names (14 499 401
parameters for 128).
"""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from pairmill.models.discriminators.layers import SLOPE, conv, draw_weights, linear
from pairmill.schemas.discriminator import Vgg128Config

WIDTHS = (1, 2, 4, 8, 8, 8)
"""Channels of each pair of convolutions, in `features`; the last is for 256 x 256 only."""
HIDDEN = 100
"""Outputs of the first linear layer."""


class Vgg128(nn.Module):
    """Pairs of a 3 x 3 convolution and a 4 x 4 one of stride 2, normalised over the batch but for
    the very first.
    """

    def __init__(self, config: Vgg128Config, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        self.names = []
        inputs = 3
        for pair, width in enumerate(WIDTHS[: 5 if config.side == 128 else 6]):
            outputs = width * config.features
            self.add_module(f"conv{pair}_0", conv(inputs, outputs, 3, 1, bias=pair == 0))
            if pair:
                self.add_module(f"bn{pair}_0", nn.BatchNorm2d(outputs))
            self.add_module(f"conv{pair}_1", conv(outputs, outputs, 4, 2, bias=False))
            self.add_module(f"bn{pair}_1", nn.BatchNorm2d(outputs))
            self.names += [f"{pair}_0", f"{pair}_1"]
            inputs = outputs
        self.linear1, self.linear2 = linear(inputs * 4 * 4, HIDDEN), linear(HIDDEN, 1)
        draw_weights(self, rng)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, side, side) in [0, 1] to (B, 1): the more, the more real.

        Raises:
            ValueError: if images have another side.
        """
        if image.shape[2:] != (self.config.side, self.config.side):
            raise ValueError(
                f"discriminator vgg128 judges images of {self.config.side} x "
                f"{self.config.side} only, "
                f"not of {image.shape[2]} x {image.shape[3]}"
            )
        seen = image
        for name in self.names:
            seen = self.get_submodule(f"conv{name}")(seen)
            if name != "0_0":
                seen = self.get_submodule(f"bn{name}")(seen)
            seen = leaky_relu(seen, SLOPE)
        judged: Tensor = self.linear2(leaky_relu(self.linear1(seen.flatten(1)), SLOPE))
        return judged

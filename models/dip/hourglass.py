"""The hourglass whose structure is the prior: down by five, up again, with thin skip connections
(Ulyanov et al., CVPR 2018).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, interpolate, leaky_relu, pad

from pairmill.models.archs.layers import Conv, draw_weights

SCALES = 5
"""Halvings of the sides."""
UNIT = 1 << SCALES
"""Sides are continued to multiples of it."""
LEAST = 2 * UNIT
"""Smallest side, in pixels: the deepest scale must be mirrored by a pixel."""


class Layer(nn.Module):
    """A convolution with mirrored borders, normalisation over the image, and a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = Conv(inputs, outputs, side, stride, 0)
        self.gain = nn.Parameter(torch.ones(outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(1, inputs, h, w) to (1, outputs, h / stride, w / stride)."""
        rim = self.conv.kernel_size[0] // 2
        found = self.conv(pad(x, (rim,) * 4, mode="reflect") if rim else x)
        return leaky_relu(normalised(found, self.gain, self.bias), 0.2)


def normalised(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Each channel with the mean and deviation of its own, then those that are learned."""
    return batch_norm(x, None, None, gain, bias, training=True)


class Scale(nn.Module):
    """One scale and all below it."""

    def __init__(self, inputs: int, channels: int, skip: int, below: int) -> None:
        super().__init__()
        self.skip = Layer(inputs, skip, 1)
        self.down = nn.Sequential(Layer(inputs, channels, 3, 2), Layer(channels, channels))
        self.below = Scale(channels, channels, skip, below - 1) if below else None
        self.gain = nn.Parameter(torch.ones(skip + channels))
        self.bias = nn.Parameter(torch.zeros(skip + channels))
        self.up = nn.Sequential(Layer(skip + channels, channels), Layer(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(1, inputs, h, w), even sides, to (1, channels, h, w)."""
        deep = self.down(x)
        if self.below is not None:
            deep = self.below(deep)
        deep = interpolate(deep, scale_factor=2, mode="bilinear", align_corners=False)
        both = torch.cat([self.skip(x), deep], 1)
        found: Tensor = self.up(normalised(both, self.gain, self.bias))
        return found


class Hourglass(nn.Module):
    """Noise (1, C, h, w), sides multiples of `UNIT` and at least `LEAST`, to an image (1, 3, h, w)
    in (0, 1).

    Args:
        inputs: C.
        channels: at all scales.
        skip: channels that pass each scale by.
        rng: stream of the weights.
    """

    def __init__(self, inputs: int, channels: int, skip: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.scales = Scale(inputs, channels, skip, SCALES - 1)
        self.last = Conv(channels, 3, 1)
        draw_weights(self, rng)

    def forward(self, noise: Tensor) -> Tensor:
        """See the class."""
        return torch.sigmoid(self.last(self.scales(noise)))

"""The network that judges: which LR patches are photographs'. With or without a high-pass before
it, which hides colours and content from it (DSGAN, Sec. 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, instance_norm, leaky_relu, pad

from pairmill.models.translation.layers import conv, draw_weights
from pairmill.schemas.translation_networks import DiscriminatorConfig

SLOPE = 0.2


class Discriminator(nn.Module):
    """One judgement per place.

    Args:
        config: settings.
        rng: stream of the initial weights.
    """

    weights: Tensor

    def __init__(self, config: DiscriminatorConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("weights", mean_filter(config), persistent=False)
        widths = (6 if config.residual == "beside" else 3, *config.features)
        strides = (*config.strides, *(1,) * len(config.features))
        self.layers = nn.ModuleList(
            conv(inputs, outputs, config.side, stride)
            for (inputs, outputs), stride in zip(pairwise(widths), strides, strict=False)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(width) if config.norm == "batch" and number else nn.Identity()
            for number, width in enumerate(config.features)
        )
        self.out = conv(widths[-1], 1, config.last)
        self.whole = nn.ModuleList()
        if config.whole:
            self.whole.extend([conv(widths[-1], widths[-1], 1), conv(widths[-1], 1, 1)])
        draw_weights(self, rng)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1] to logits, (B, 1, h', w'): the more, the more real."""
        seen = self._seen(image)
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            seen = norm(layer(seen))
            if number and self.config.norm == "instance":
                seen = instance_norm(seen)
            seen = leaky_relu(seen, SLOPE)
        logits: Tensor = self.out(seen)
        if self.config.whole:
            mean = leaky_relu(self.whole[0](seen.mean((2, 3), keepdim=True)), SLOPE)
            logits = logits + self.whole[1](mean)
        return logits

    def _seen(self, image: Tensor) -> Tensor:
        if self.config.residual == "none":
            return 2 * image - 1
        left = self.config.gain * (image - low_pass(image, self.weights))
        if self.config.residual == "only":
            return left
        return torch.cat([2 * image - 1, left], 1)


def mean_filter(config: DiscriminatorConfig) -> Tensor:
    """(k, k) weights of sum 1: a plain mean, or a Gaussian of standard deviation k / 6."""
    side = config.filter_side
    if config.filter == "average":
        return torch.full((side, side), 1 / side**2)
    line = torch.exp(-((torch.arange(side) - side // 2) ** 2) / (2 * (side / 6) ** 2))
    return torch.outer(line, line) / line.sum() ** 2


def low_pass(image: Tensor, weights: Tensor, *, border: bool = True) -> Tensor:
    """(B, C, h, w) filtered channel by channel by (k, k) weights; without `border` only where the
    filter lies within the image.
    """
    channels, reach = image.shape[1], weights.shape[0] // 2
    if border:
        image = pad(image, (reach,) * 4, mode="replicate")
    kernel = weights.to(image).expand(channels, 1, -1, -1)
    return conv2d(image, kernel, groups=channels)


def accuracy(real: Tensor, fake: Tensor, middle: float) -> Tensor:
    """Share of judgements on the right side of `middle`."""
    return ((real > middle).float().mean() + (fake <= middle).float().mean()) / 2


def frozen(networks: Sequence[nn.Module], *, still: bool) -> None:
    """Hold networks still while another one learns, or let go of them."""
    for network in networks:
        network.requires_grad_(not still)

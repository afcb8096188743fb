"""The patch discriminator and the least-squares losses."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, instance_norm, leaky_relu, pad

from pairmill.models.pdm.weights import conv, draw_weights
from pairmill.schemas.pdm import PdmCriticConfig

GREY = (0.299, 0.587, 0.114)
GAIN = 6.0
"""Factor on the residual, which brings the noise of photos to about the range of their
content."""


class Discriminator(nn.Module):
    """3 x 3 convolutions, the second and the third with stride; one judgement per place (the
    published code gives 64).
    """

    def __init__(self, config: PdmCriticConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        colours = 1 if config.grey else 3
        widths = (2 * colours if config.residual else colours, *config.features)
        strides = [
            config.stride if number in (1, 2) else 1 for number in range(len(config.features))
        ]
        self.layers = nn.ModuleList(
            conv(inputs, outputs, 3, stride)
            for inputs, outputs, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.out = conv(widths[-1], 1, 3)
        self.whole = nn.ModuleList()
        if config.whole:
            self.whole.extend([conv(widths[-1], widths[-1]), conv(widths[-1], 1)])
        draw_weights(self, rng)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, 1, h', w'): 1 for real, 0 for fake."""
        seen = 2 * image - 1
        if self.config.grey:
            seen = (seen * seen.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True)
        if self.config.residual:
            seen = torch.cat([seen, GAIN * (seen - _blurred(seen))], 1)
        for number, layer in enumerate(self.layers):
            seen = layer(seen)
            if number and self.config.norm == "instance":
                seen = instance_norm(seen)
            seen = leaky_relu(seen, 0.2)
        logits: Tensor = self.out(seen)
        # Blur and noise are the same all over a crop: its statistics are judged too.
        if self.config.whole:
            statistics = seen.mean((2, 3), keepdim=True)
            logits = logits + self.whole[1](leaky_relu(self.whole[0](statistics), 0.2))
        return logits


def _blurred(image: Tensor) -> Tensor:
    return avg_pool2d(pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Half of mean (D(real) - 1)^2 + mean D(fake)^2 (LSGAN)."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def adversarial_loss(fake: Tensor) -> Tensor:
    """Mean (D(fake) - 1)^2 (LSGAN)."""
    return (fake - 1).square().mean()


def accuracy(real: Tensor, fake: Tensor) -> Tensor:
    """Share of judgements on the right side of one half; 0.5 where it cannot tell."""
    return ((real > 0.5).float().mean() + (fake <= 0.5).float().mean()) / 2


def quantise(image: Tensor) -> Tensor:
    """A smooth stand-in for rounding to 8 bits: five terms of its Fourier series; (...) in [0, 1]
    to the same (PDM's code).
    """
    levels = 255 * image
    terms = [(-1) ** i / (torch.pi * i) * torch.sin(2 * torch.pi * i * levels) for i in range(1, 6)]
    return (levels + torch.stack(terms).sum(0)) / 255

"""The generator, which turns 100 random numbers into a kernel, and the critic, which tells kernels of the pool from its own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

LATENT = 100
"""Random numbers per kernel, standard normal (KMSR, Sec. 3.2)."""
FLOOR = 1e-6
"""Added to cells of the start before their logarithm is taken."""
SMALL = 16
"""Side up to which two doublings are enough; beyond it there are three."""


class Generator(nn.Module):
    """Transposed convolutions from a vector to a square.

    As in KMSR, but narrower, for a pool has tens of kernels and not thousands, and without batch normalisation, so that a kernel does
    not depend on what is drawn beside it. A softmax over the cells takes the place of tanh and clipping: a kernel is a
    distribution of light, never negative and of sum 1, and need not learn that.
    """

    def __init__(self, start: Tensor, width: int, rng: np.random.Generator) -> None:
        """Draw first weights.

        Args:
            start: (n, n), non-negative, sum 1: the kernel that the first ones are near, such as the pool's mean.
            width: channels before the last doubling; twice as many before each earlier one.
            rng: stream of the weights.
        """
        super().__init__()
        self.side, doublings = len(start), _doublings(len(start))
        side = self.side
        self.register_buffer("logits", (start + FLOOR).log().to(torch.float32))
        self.unit = 1 / float(start.max())
        base = -(-side // 2**doublings)
        channels = [width * 2 ** (doublings - 1 - level) for level in range(doublings)] + [1]
        self.first = _bare(nn.ConvTranspose2d, LATENT, channels[0], base)
        self.rest = nn.ModuleList(_bare(nn.ConvTranspose2d, a, b, 4, 2, 1) for a, b in zip(channels, channels[1:], strict=False))
        _draw_weights(self, rng)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, 100) to (B, 1, side, side): cells relative to an even spread, non-negative, mean 1."""
        image = self.first(latent[:, :, None, None])
        for layer in self.rest:
            image = layer(relu(image))
        cut = (image.shape[-1] - self.side) // 2
        image = image[:, :, cut : cut + self.side, cut : cut + self.side]
        return ((image + self.logits).flatten(1).softmax(1) * self.unit).reshape(image.shape)


class Critic(nn.Module):
    """Convolutions of stride 2 without normalisation, which would couple kernels that the gradient penalty must see alone."""

    def __init__(self, side: int, width: int, rng: np.random.Generator) -> None:
        """Draw first weights; the arguments are those of the generator, width that after the first convolution."""
        super().__init__()
        channels = [1, *(width * 2**level for level in range(_doublings(side)))]
        self.layers = nn.ModuleList(_bare(nn.Conv2d, a, b, 4, 2, 1) for a, b in zip(channels, channels[1:], strict=False))
        for _ in self.layers:
            side //= 2
        self.last = _bare(nn.Conv2d, channels[-1], 1, side)
        _draw_weights(self, rng)

    def forward(self, kernels: Tensor) -> Tensor:
        """(B, 1, side, side) to (B,): higher is more like the pool."""
        for layer in self.layers:
            kernels = leaky_relu(layer(kernels), 0.2)
        judged: Tensor = self.last(kernels).flatten()
        return judged


def _doublings(side: int) -> int:
    return 2 if side <= SMALL else 3


def _bare(kind: type[nn.Module], *sizes: int) -> nn.Module:
    """A layer with memory but no values yet."""
    return nn.utils.skip_init(kind, *sizes)  # type: ignore[no-any-return, no-untyped-call]


def _draw_weights(module: nn.Module, rng: np.random.Generator) -> None:
    """Weights normal with variance 2 / inputs that meet in one output (He et al. 2015), biases 0; no global generator."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = layer.kernel_size[0] * layer.kernel_size[1]
            meeting = taps if isinstance(layer, nn.Conv2d) else max(1, taps // layer.stride[0] ** 2)
            if isinstance(layer, nn.ConvTranspose2d) and layer.stride[0] == 1:
                meeting = 1                              # from one place, each tap makes a cell of its own
            values = rng.standard_normal(tuple(layer.weight.shape)) * (2 / (layer.in_channels * meeting)) ** 0.5
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(values).to(layer.weight.dtype))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

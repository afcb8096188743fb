"""The generator, which turns 100 random numbers into a kernel, and the critic, which distinguishes
kernels of the pool from its own.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

LATENT = 100
"""Random numbers per kernel, standard normal (KMSR, Sec. 3.2)."""
SMALL = 16
"""Side up to which two doublings are enough; beyond it there are three."""
HIDDEN = 32
"""Width of the layer between the random numbers and the width and direction of a kernel."""
FLOOR = 1e-6
"""Added to cells of the first kernel before their logarithm is taken."""
QUIET = 0.125
"""How strong the networks' first words are, in logarithms: kernels start near the mean of the
pool."""


class Generator(nn.Module):
    """Transposed convolutions from a vector to a square of logarithms, which a softmax over the
    cells turns into a kernel.

    KMSR's generator, but narrower and without batch normalisation: a pool has tens of kernels, not
    thousands, and a kernel must not depend on the rest of the batch. The softmax takes the place
    of tanh and clipping: a kernel is a distribution of light, never negative and of sum 1, and need
    not learn that. What is learned is the difference to the pool's mean: its width and direction by
    a quadratic form, which alone gives all Gaussians, and everything else by the convolutions.
    """

    def __init__(self, start: Tensor, width: int, rng: np.random.Generator) -> None:
        """Draw initial weights.

        Args:
            start: (n, n) float64, non-negative, sum 1: the kernel that the first ones are near.
            width: channels before the last doubling; twice as many before each earlier one.
            rng: stream of the weights.
        """
        super().__init__()
        self.side, doublings = len(start), _doublings(len(start))
        channels = [width * 2 ** (doublings - 1 - level) for level in range(doublings)] + [1]
        self.first = _bare(nn.ConvTranspose2d, LATENT, channels[0], -(-self.side // 2**doublings))
        self.rest = nn.ModuleList(
            _bare(nn.ConvTranspose2d, a, b, 4, 2, 1) for a, b in pairwise(channels)
        )
        self.quadratic = nn.ModuleList(
            [_bare(nn.Conv2d, LATENT, HIDDEN, 1), _bare(nn.Conv2d, HIDDEN, 3, 1)]
        )
        self.register_buffer("start", (start + FLOOR).log().to(torch.float32))
        self.register_buffer("forms", _forms(start).to(torch.float32))
        self.unit = 1 / float(start.max())
        _draw_weights(self, rng)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, 100) to (B, 1, n, n): kernels in units of the largest cell of the first one,
        non-negative.
        """
        seed = latent[:, :, None, None]
        image = self.first(seed)
        for layer in self.rest:
            image = layer(relu(image))
        cut = (image.shape[-1] - self.side) // 2
        image = image[:, :, cut : cut + self.side, cut : cut + self.side]
        curvature = self.quadratic[1](relu(self.quadratic[0](seed)))
        logits = self.start + QUIET * (image - (curvature * self.forms).sum(1, keepdim=True))
        kernels: Tensor = (logits.flatten(1).softmax(1) * self.unit).reshape(image.shape)
        return kernels


class Critic(nn.Module):
    """Convolutions of stride 2 without normalisation, which would couple kernels that the gradient
    penalty must see alone.
    """

    def __init__(self, side: int, width: int, rng: np.random.Generator) -> None:
        """Draw initial weights.

        Args:
            side: of a kernel, in pixels.
            width: channels after the first convolution; twice as many after each further one.
            rng: stream of the weights.
        """
        super().__init__()
        channels = [1, *(width * 2**level for level in range(_doublings(side)))]
        self.layers = nn.ModuleList(_bare(nn.Conv2d, a, b, 4, 2, 1) for a, b in pairwise(channels))
        self.last = _bare(nn.Conv2d, channels[-1], 1, side // 2 ** len(self.layers))
        _draw_weights(self, rng)

    def forward(self, kernels: Tensor) -> Tensor:
        """(B, 1, n, n) to (B,): higher is more like the pool."""
        for layer in self.layers:
            kernels = leaky_relu(layer(kernels), 0.2)
        judged: Tensor = self.last(kernels).flatten()
        return judged


def _forms(start: Tensor) -> Tensor:
    """Forms r r / 2, c c / 2 and r c over the cells, (3, n, n), in units of the width of `start`:
    the exponents of Gaussians.
    """
    place = torch.arange(len(start), dtype=start.dtype) - (len(start) - 1) / 2
    place = place / (start.sum(0) @ place**2) ** 0.5
    row, column = torch.meshgrid(place, place, indexing="ij")
    return torch.stack([row**2 / 2, column**2 / 2, row * column])


def _doublings(side: int) -> int:
    return 2 if side <= SMALL else 3


def _bare(kind: type[nn.Module], *sizes: int) -> nn.Module:
    """A layer with memory but no values yet."""
    return nn.utils.skip_init(kind, *sizes)  # type: ignore[no-any-return, no-untyped-call]


def _draw_weights(module: nn.Module, rng: np.random.Generator) -> None:
    """Weights normal with variance 2 / (inputs that meet in one output) (He et al. 2015), biases 0;
    no global generator.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = layer.kernel_size[0] * layer.kernel_size[1]
            # Stride 2 spreads 4 x 4 taps over four outputs.
            if isinstance(layer, nn.ConvTranspose2d):
                taps = taps // 4 if layer.stride[0] == 2 else 1
            values = (
                rng.standard_normal(tuple(layer.weight.shape))
                * (2 / (layer.in_channels * taps)) ** 0.5
            )
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(values).to(layer.weight.dtype))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

"""Layers of the discriminators, with memory but no values until `draw_weights`: no global generator
moves.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, normalize

SLOPE = 0.2
"""Of every leaky ReLU."""
START = 15
"""Power iterations on initial weights, so that the first judgement is by normalised ones
already."""
EPSILON = 1e-12


def conv(
    inputs: int, outputs: int, side: int, stride: int, *, padding: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A plain convolution."""
    return nn.utils.skip_init(  # type: ignore[no-any-return, no-untyped-call]
        nn.Conv2d, inputs, outputs, side, stride, padding, bias=bias
    )


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A plain linear layer."""
    return nn.utils.skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-any-return, no-untyped-call]


class SpectralConv(nn.Module):
    """A convolution whose weight is divided by its largest singular value, found by one power
    iteration per judgement in training (Miyato et al. 2018), with the names and the arithmetic of
    `torch.nn.utils.spectral_norm`, which draws from the global generator and cannot be copied
    between two steps.
    """

    weight_u: Tensor
    weight_v: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        side: int,
        stride: int,
        *,
        padding: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.weight_orig = nn.Parameter(torch.empty(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self.register_buffer("weight_u", torch.empty(outputs))
        self.register_buffer("weight_v", torch.empty(inputs * side * side))

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h', w')."""
        if self.training:
            self.iterate(1)
        # Copies: the next judgement changes them before the gradient is taken.
        u, v = self.weight_u.clone(), self.weight_v.clone()
        with torch.autocast(image.device.type, enabled=False):
            sigma = u @ (self.weight_orig.flatten(1) @ v)
        return conv2d(image, self.weight_orig / sigma, self.bias, self.stride, self.padding)

    @torch.no_grad()
    def iterate(self, times: int) -> None:
        """Follow the largest singular value."""
        weight = self.weight_orig.flatten(1)
        with torch.autocast(weight.device.type, enabled=False):
            for _ in range(times):
                self.weight_v.copy_(normalize(weight.T @ self.weight_u, dim=0, eps=EPSILON))
                self.weight_u.copy_(normalize(weight @ self.weight_v, dim=0, eps=EPSILON))


def draw_weights(
    network: nn.Module, rng: np.random.Generator, deviation: float | None = None
) -> None:
    """Initial weights in order; normalisation layers have theirs from torch.

    Args:
        network: of convolutions and linear layers.
        rng: the stream.
        deviation: of normal weights, with biases 0; without, weights and biases are uniform within
            1 / sqrt(inputs), as torch's.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _fill(layer.weight, layer.bias, rng, deviation)
        elif isinstance(layer, SpectralConv):
            _fill(layer.weight_orig, layer.bias, rng, deviation)
            _set(layer.weight_u, rng.standard_normal(len(layer.weight_u)))
            layer.iterate(START)


def _fill(
    weight: Tensor, bias: Tensor | None, rng: np.random.Generator, deviation: float | None
) -> None:
    bound = 1 / math.sqrt(math.prod(weight.shape[1:]))
    shape = tuple(weight.shape)
    if deviation is None:
        _set(weight, bound * (2 * rng.random(shape) - 1))
    else:
        _set(weight, deviation * rng.standard_normal(shape))
    if bias is None:
        return
    if deviation is None:
        _set(bias, bound * (2 * rng.random(len(bias)) - 1))
    else:
        _set(bias, np.zeros(len(bias)))


def _set(parameter: Tensor, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values).to(parameter.dtype))

"""Layers of translators, with memory but no values until `draw_weights`: no global generator
moves.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn


def conv(
    inputs: int, outputs: int, side: int, stride: int = 1, *, padding: int | None = None
) -> nn.Conv2d:
    """A convolution whose image is continued by its edge; it keeps the size at stride 1 and odd
    sides.
    """
    around = (side - 1) // 2 if padding is None else padding
    return nn.utils.skip_init(  # type: ignore[no-any-return, no-untyped-call]
        nn.Conv2d, inputs, outputs, side, stride, around, padding_mode="replicate"
    )


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A plain linear layer."""
    return nn.utils.skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-any-return, no-untyped-call]


def draw_weights(network: nn.Module, rng: np.random.Generator) -> None:
    """Initial weights in order, normal with variance 2 / inputs (He et al. 2015); biases 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            deviation = math.sqrt(2 / math.prod(layer.weight.shape[1:]))
            _set(layer.weight, deviation * rng.standard_normal(tuple(layer.weight.shape)))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _set(parameter: Tensor, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values).to(parameter.dtype))

"""Layers whose initial weights come from a Philox stream, and the residual trunk that both modules
of PDM share.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


def conv(
    inputs: int,
    outputs: int,
    side: int = 1,
    stride: int = 1,
    *,
    bias: bool = True,
    border: str = "zeros",
) -> nn.Conv2d:
    """A convolution that keeps the size at stride 1, with memory but no values yet: `draw_weights`
    gives them.

    Args:
        inputs: channels in.
        outputs: channels out.
        side: of the filters, odd.
        stride: of the places.
        bias: whether it has one.
        border: what lies around the image: `zeros`, `replicate`, or `circular`, which keeps white
            noise white.
    """
    mode = border if side > 1 else "zeros"
    return nn.utils.skip_init(  # type: ignore[no-any-return, no-untyped-call]
        nn.Conv2d, inputs, outputs, side, stride, side // 2, bias=bias, padding_mode=mode
    )


def draw_weights(module: nn.Module, rng: np.random.Generator, gain: float = 1.4) -> None:
    """Fill every convolution in order: weights normal with variance gain^2 / inputs, biases 0. The
    global generator rests.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
            fill(layer.weight, rng.standard_normal(tuple(layer.weight.shape)) * (gain / fan**0.5))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def fill(parameter: Tensor, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    """Set a parameter."""
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values).to(parameter.dtype))


class Trunk(nn.Module):
    """Convolution, then residual blocks of two convolutions, all with the same side.

    The published code normalises over the batch; then a drawn degradation would depend on what else
    is drawn with it, and a single draw would be undefined. Here each block is scaled down instead
    (as in Fixup), which trains as well at these depths.
    """

    def __init__(self, inputs: int, features: int, blocks: int, side: int) -> None:
        super().__init__()
        self.head = conv(inputs, features, side, border="replicate")
        self.first = nn.ModuleList(
            conv(features, features, side, border="replicate") for _ in range(blocks)
        )
        self.second = nn.ModuleList(
            conv(features, features, side, border="replicate") for _ in range(blocks)
        )
        self.scale = 1 / max(1, blocks) ** 0.5

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, features, h, w)."""
        features = leaky_relu(self.head(inputs), 0.1)
        for first, second in zip(self.first, self.second, strict=True):
            features = features + self.scale * second(leaky_relu(first(features), 0.1))
        return leaky_relu(features, 0.1)

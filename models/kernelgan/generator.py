"""The deep linear generator of KernelGAN, collapsed exactly into one 13x13 kernel per lane.

A lane is one restart of one image. All tensors carry the lanes first, so many lanes train in one
batch without touching each other. Six convolutions without bias, activation or padding, of which
only the last one subsamples, are one correlation: y[i] = sum_v E[v] x[2 i + v]. Gradients of the
six weight tensors follow from that of E, so the training dynamics of the deep linear
parametrisation are kept while no layer is ever run over an image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pairmill.models.kernelgan.unfold import overlap_add, windows

CHANNELS = 64
KERNEL_SIZES = (7, 5, 3, 1, 1, 1)
KERNEL = 1 + sum(size - 1 for size in KERNEL_SIZES)
"""Side of the estimated kernel in HR pixels: 13."""
SCALE = 2
INIT_GAIN = 0.1


class Weights(NamedTuple):
    """Weights (or their gradients) of all lanes; T lanes, C = 64 channels."""

    w1: Tensor
    """(T, C, 49): 1 -> C, 7x7."""
    w2: Tensor
    """(T, C, C * 25): C -> C, 5x5; axes lane, output, (input, row, column)."""
    w3: Tensor
    """(T, C, C * 9): C -> C, 3x3."""
    w4: Tensor
    """(T, C, C): C -> C, 1x1."""
    w5: Tensor
    """(T, C, C): C -> C, 1x1."""
    w6: Tensor
    """(T, 1, C): C -> 1, 1x1, the layer that subsamples by 2."""


class Collapsed(NamedTuple):
    """The collapsed kernel and the partial products its gradient needs."""

    e1: Tensor
    """(T, C, 49): layers 2 to 6 as one C -> 1 correlation, 7x7."""
    e2: Tensor
    """(T, C, 9): layers 3 to 6, 3x3."""
    e3: Tensor
    """(T, 1, C): layers 4 to 6, 1x1."""
    e4: Tensor
    """(T, 1, C): layers 5 and 6, 1x1."""
    kernel: Tensor
    """(T, 13, 13): the whole generator, in correlation orientation."""


def draw_weights(rng: np.random.Generator) -> list[np.ndarray]:
    """Initial weights of one lane in the order of `Weights`, Xavier normal with gain 0.1
    (KernelGAN, Sec. 4).

    Returns:
        Six float32 arrays without a lane axis. Their collapsed kernel is about 1e-7, that is,
        nearly zero.
    """
    inputs = (1, *(CHANNELS,) * 5)
    outputs = (*(CHANNELS,) * 5, 1)
    arrays = []
    for size, fan_in, fan_out in zip(KERNEL_SIZES, inputs, outputs, strict=True):
        deviation = INIT_GAIN * np.sqrt(2.0 / ((fan_in + fan_out) * size**2))
        drawn = rng.standard_normal((fan_out, fan_in * size**2), dtype=np.float32)
        arrays.append(drawn * np.float32(deviation))
    return arrays


def collapse(weights: Weights) -> Collapsed:
    """The kernel of the whole generator, composed from the last layer to the first.

    From the end, the left factor has a single output row: 1.1 M multiplications instead of the 32 M
    of pushing an impulse through the layers (what is computed: KernelGAN, the deep linear
    generator).

    Args:
        weights: the layers of T lanes.

    Returns:
        kernel (T, 13, 13) such that LR[i] = sum_v kernel[v] HR[2 i + v], with the partial products.
    """
    lanes = weights.w1.shape[0]
    e4 = torch.bmm(weights.w6, weights.w5)
    e3 = torch.bmm(e4, weights.w4)
    e2 = torch.bmm(e3, weights.w3).view(lanes, CHANNELS, 9)
    # Nine rows on the left: four times faster than nine columns on the right.
    products = torch.bmm(e2.mT, weights.w2)
    e1 = overlap_add(products.view(lanes, 1, 3, 3, CHANNELS, 5, 5)).view(lanes, CHANNELS, 49)
    products = torch.bmm(e1.mT, weights.w1)
    kernel = overlap_add(products.view(lanes, 1, 7, 7, 1, 7, 7)).view(lanes, KERNEL, KERNEL)
    return Collapsed(e1=e1, e2=e2, e3=e3, e4=e4, kernel=kernel)


def collapse_backward(
    weights: Weights, collapsed: Collapsed, grad_kernel: Tensor, out: Weights
) -> None:
    """Gradients of the layers from the gradient of the collapsed kernel.

    Args:
        weights: the layers `collapsed` was made from.
        collapsed: what `collapse` returned.
        grad_kernel: (T, 13, 13), dL/dE.
        out: shaped like `weights`, overwritten with dL/dW of every layer.
    """
    lanes = grad_kernel.shape[0]
    e1, e2, e3, e4, _ = collapsed
    d0 = windows(grad_kernel[:, None, None], 7).reshape(lanes, 49, 49)
    torch.bmm(e1, d0, out=out.w1)
    grad_e1 = torch.bmm(weights.w1, d0.mT).view(lanes, 1, CHANNELS, 7, 7)
    d1 = windows(grad_e1, 5).reshape(lanes, 9, CHANNELS * 25)
    torch.bmm(e2, d1, out=out.w2)
    d2 = torch.bmm(d1, weights.w2.mT).mT.reshape(lanes, 1, CHANNELS * 9)
    d3 = torch.bmm(d2, weights.w3.mT)
    d4 = torch.bmm(d3, weights.w4.mT)
    torch.mul(e3.mT, d2, out=out.w3)
    torch.mul(e4.mT, d3, out=out.w4)
    torch.mul(weights.w6.mT, d4, out=out.w5)
    torch.bmm(d4, weights.w5.mT, out=out.w6)


def output_size(crop: int) -> int:
    """Side of the generator's output for a square input of side `crop`: 64 -> 26 (no padding,
    stride 2).
    """
    return (crop - KERNEL) // SCALE + 1


class Downscaler:
    """Stride-2 correlation of square crops with a kernel per lane, as a product with banded
    matrices.

    The banded product costs five times the multiplications of im2col, moves a fifth of the memory,
    and is faster. Working memory is allocated once.
    """

    def __init__(self, lanes: int, crop: int, like: Tensor) -> None:
        """For `lanes` crops of side `crop`, in the type and on the device of `like`."""
        self.side = output_size(crop)
        self._crop = crop
        self._strips = like.new_empty((lanes, 3 * self.side, KERNEL * crop))
        self._bands = like.new_zeros((lanes, KERNEL * crop, self.side))
        self._grad = like.new_empty((lanes, self.side, KERNEL * crop))

    def load(self, crops: Tensor) -> None:
        """Take the crops (T, 3, n, n) of the next calls: row (channel, i) gets the lines 2 i .. 2 i
        + 12.
        """
        strips = crops.unfold(2, KERNEL, SCALE).permute(0, 1, 2, 4, 3)
        self._strips.view(strips.shape).copy_(strips)

    def apply(self, kernels: Tensor) -> Tensor:
        """(T, 13, 13) -> (T, 3, m, m), m = `output_size(n)`."""
        lanes = kernels.shape[0]
        strides = (
            KERNEL * self._crop * self.side,
            self._crop * self.side,
            self.side,
            SCALE * self.side + 1,
        )
        band = self._bands.as_strided((lanes, KERNEL, KERNEL, self.side), strides)
        band.copy_(kernels[..., None].expand(-1, -1, -1, self.side))
        return torch.bmm(self._strips, self._bands).view(lanes, 3, self.side, self.side)

    def backward(self, grad: Tensor) -> Tensor:
        """Gradient of the kernels (T, 13, 13) from that of `apply`'s result (T, 3, m, m)."""
        lanes = grad.shape[0]
        torch.bmm(grad.reshape(lanes, 3 * self.side, self.side).mT, self._strips, out=self._grad)
        strides = (self.side * KERNEL * self._crop, self._crop, 1, KERNEL * self._crop + SCALE)
        return (
            self._grad.as_strided((lanes, KERNEL, KERNEL, self.side), strides).contiguous().sum(-1)
        )

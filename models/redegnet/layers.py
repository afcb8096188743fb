"""Layers of ReDegNet: spectrally normalised, modulated by a style, styled blocks, and heads that
make an image.

Initial weights come from a Philox stream; the global generator rests.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, linear, normalize

SLOPE = 0.2
"""Of every leaky ReLU."""
EPSILON = 1e-8


def drawn(rng: np.random.Generator, *shape: int, gain: float = 1.0) -> nn.Parameter:
    """Normal weights, float32, with variance gain^2 / fan-in."""
    values = rng.standard_normal(shape, np.float32)
    values *= gain / np.sqrt(max(1, int(np.prod(shape[1:]))))
    return nn.Parameter(torch.from_numpy(values))


class _Spectral(nn.Module):
    """A weight that is divided by its largest singular value (Miyato et al. 2018), which one power
    iteration per step follows.
    """

    u: Tensor
    v: Tensor

    def __init__(self, rng: np.random.Generator, *shape: int) -> None:
        super().__init__()
        self.weight = drawn(rng, *shape)
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.register_buffer("u", normalize(drawn(rng, 1, shape[0]).data[0], dim=0))
        self.register_buffer("v", torch.zeros(int(np.prod(shape[1:]))))
        self._iterate(15)

    @torch.no_grad()
    def _iterate(self, times: int) -> None:
        matrix = self.weight.flatten(1)
        for _ in range(times):
            self.v = normalize(matrix.T @ self.u, dim=0)
            self.u = normalize(matrix @ self.v, dim=0)

    def normal_weight(self) -> Tensor:
        """The weight over its largest singular value; in training the estimate is brought up to
        date first.
        """
        # Half precision would wear the estimate out.
        with torch.autocast(self.weight.device.type, enabled=False):
            if self.training:
                self._iterate(1)
            return self.weight / torch.dot(self.u, self.weight.flatten(1) @ self.v)


class SpectralConv(_Spectral):
    """A k x k convolution with zero borders that keeps the size at stride 1."""

    def __init__(
        self, rng: np.random.Generator, inputs: int, outputs: int, side: int = 3, stride: int = 1
    ) -> None:
        super().__init__(rng, outputs, inputs, side, side)
        self.stride, self.border = stride, side // 2

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h / stride, w / stride)."""
        return conv2d(image, self.normal_weight(), self.bias, self.stride, self.border)


class SpectralLinear(_Spectral):
    """A matrix and an offset."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int) -> None:
        super().__init__(rng, outputs, inputs)

    def forward(self, values: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs)."""
        return linear(values, self.normal_weight(), self.bias)


class Linear(nn.Module):
    """A matrix and an offset, not normalised."""

    def __init__(
        self,
        rng: np.random.Generator,
        inputs: int,
        outputs: int,
        gain: float = 1.0,
        start: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = drawn(rng, outputs, inputs, gain=gain)
        self.bias = nn.Parameter(torch.full((outputs,), start))

    def forward(self, values: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs)."""
        return linear(values, self.weight, self.bias)


def active(values: Tensor) -> Tensor:
    """Leaky ReLU."""
    return leaky_relu(values, SLOPE)


def doubled(image: Tensor) -> Tensor:
    """(B, C, h, w) to (B, C, 2 h, 2 w), bilinear, centres aligned."""
    return interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)


def pixel_norm(values: Tensor) -> Tensor:
    """(B, n) scaled to a mean square of 1."""
    return values * torch.rsqrt(values.square().mean(1, keepdim=True) + EPSILON)


def modulated_conv(image: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool) -> Tensor:
    """Convolve every image of a batch with weights of its own: one convolution in B groups
    (StyleGAN2, Sec. 2.2).

    Args:
        image: (B, I, h, w).
        weight: (O, I, k, k), shared; divided by sqrt(I k k) here.
        style: (B, I), factors on the input channels.
        demodulate: whether the weights of every output channel are scaled to a sum of squares of 1.

    Returns:
        (B, O, h, w); borders are zero.
    """
    batch, channels, height, width = image.shape
    own = weight[None] * style[:, None, :, None, None] / weight[0].numel() ** 0.5
    if demodulate:
        own = own * torch.rsqrt(own.square().sum((2, 3, 4), keepdim=True) + EPSILON)
    flat = image.reshape(1, batch * channels, height, width)
    out = conv2d(flat, own.flatten(0, 1), padding=weight.shape[-1] // 2, groups=batch)
    return out.reshape(batch, -1, height, width)


class StyledBlock(nn.Module):
    """Modulated convolution, plus alpha times what the encoder saw at this size, then a convolution
    and leaky ReLU.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        inputs: int,
        outputs: int,
        code: int,
        *,
        enlarge: bool = False,
        skip: float | None = None,
    ) -> None:
        """Make a block; `skip` is the first alpha, none where the encoder gives nothing."""
        super().__init__()
        self.enlarge = enlarge
        self.style = Linear(rng, code, inputs, start=1.0)
        self.weight = nn.Parameter(drawn(rng, outputs, inputs, 3, 3).data * (inputs * 9) ** 0.5)
        if skip is None:
            self.alpha = None
        else:
            self.alpha = nn.Parameter(torch.tensor(skip))
        self.after = SpectralConv(rng, outputs, outputs)

    def forward(self, image: Tensor, code: Tensor, seen: Tensor | None = None) -> Tensor:
        """(B, inputs, h, w), or half of that where it doubles, styles (B, code), features (B,
        outputs, h, w).
        """
        image = doubled(image) if self.enlarge else image
        image = modulated_conv(image, self.weight, self.style(code), demodulate=True)
        if self.alpha is not None and seen is not None:
            image = image + self.alpha * seen
        return active(self.after(image))


class RgbHead(nn.Module):
    """An image of this size: 1 x 1 modulated convolution, plus the image of half the size,
    doubled, then tanh.
    """

    def __init__(self, rng: np.random.Generator, inputs: int, code: int) -> None:
        super().__init__()
        self.style = Linear(rng, code, inputs, start=1.0)
        self.weight = nn.Parameter(drawn(rng, 3, inputs, 1, 1).data * inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(3, 1, 1))

    def forward(self, image: Tensor, code: Tensor, smaller: Tensor | None) -> Tensor:
        """(B, inputs, h, w) to (B, 3, h, w) in (-1, 1)."""
        rgb = modulated_conv(image, self.weight, self.style(code), demodulate=False) + self.bias
        return torch.tanh(rgb if smaller is None else rgb + doubled(smaller))

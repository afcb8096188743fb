"""Layers that the networks share: convolutions whose initial weights come from a stream, residual
blocks, ways to upsample.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from pairmill.models.functional.resize import cubic
from pairmill.schemas.networks.base import NetworkBase
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.rcan import RcanConfig
from pairmill.schemas.networks.rnan import RnanConfig

Start = Literal["torch", "he"]
"""Initial weights: `torch`: uniform within 1 / sqrt(inputs), weights and biases, as torch draws
them; `he`: normal with variance gain**2 2 / inputs (He et al. 2015), biases 0. Inputs are those
that meet in one output."""


class Network(nn.Module):
    """A network for one scale: (B, 3, h, w) float in [0, 1], sides at least 1, to (B, 3, scale h,
    scale w), about in [0, 1].
    """

    no_program: ClassVar[str] = ""
    """Why it cannot be written as an ONNX program; empty if it can."""

    def __init__(self, config: NetworkBase, scale: int) -> None:
        super().__init__()
        self.config, self.scale = config, scale

    def reach(self) -> int | None:
        """How many LR pixels away from its own place, at most, anything is that an output pixel
        depends on: the radius of the receptive field. None if all of the image may matter.
        """
        return convolved(self) + INTERPOLATED


INTERPOLATED = 2
"""LR pixels on either side that an interpolation besides the convolutions may add."""


def convolved(module: nn.Module) -> int:
    """Half the sides of all convolutions, one after another: no less than their reach, for those at
    a larger size reach fewer LR pixels.
    """
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return sum(
        max(part.dilation) * (max(part.kernel_size) // 2)
        for part in module.modules()
        if isinstance(part, kinds)
    )


class Pyramid(Network):
    """A network that makes several images on its way; while it is trained, each is compared with
    HR of its size.
    """

    def pyramid(self, lr: Tensor) -> list[Tensor]:
        """(B, 3, h, w) to (B, 3, s h, s w) for s that never fall, whole divisors of the scale; the
        last is the result.
        """
        raise NotImplementedError

    def weights(self, share: float) -> Sequence[float] | None:  # noqa: ARG002
        """What losses on pixels of each image are multiplied by after a share of the steps, in
        [0, 1); none where each counts once.
        """
        return None

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        return self.pyramid(lr)[-1]


class MultiScale(Network):
    """A network of several scales, `config.heads_at(scale)`; `scale` is the one that it is used
    for. Layers that only one scale has are chosen by `scale` when it is called.
    """

    def at(self, scale: int, share: float = 1.0) -> Self:  # noqa: ARG002
        """The same network for another of its scales: all layers are shared.

        Args:
            scale: which.
            share: of the steps that are made, while it is trained; for networks that grow.

        Raises:
            ValueError: if it does not have this scale, with those that it has.
        """
        scales = self.config.heads_at(self.scale)
        if scale not in scales:
            raise ValueError(
                f"{self.config.arch} has scales {', '.join(map(str, scales))}, not {scale}"
            )
        view = copy.copy(self)
        view.scale = scale
        return view


class Conv(nn.Conv2d):
    """A convolution that keeps the size at stride 1. It has no values until `draw_weights`: no
    global generator moves.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        side: int = 3,
        stride: int = 1,
        padding: int | None = None,
        *,
        start: Start = "torch",
        gain: float = 1.0,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        self.start, self.gain = start, gain
        if padding is None:
            padding = dilation * (side // 2)
        super().__init__(inputs, outputs, side, stride, padding, dilation, groups, bias)

    def reset_parameters(self) -> None:
        """Nothing: see the class."""

    def draw(self, rng: np.random.Generator) -> None:
        """Initial weights and bias."""
        draw_filters(self, rng, self.weight[0].numel())


class Fuse(Conv):
    """A 1 x 1 convolution of several features together, as dense networks and cascades have it."""

    def __init__(
        self, inputs: int, outputs: int, *, start: Start = "torch", gain: float = 1.0
    ) -> None:
        super().__init__(inputs, outputs, 1, start=start, gain=gain)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:  # type: ignore[override]
        """Some (B, c, h, w), `inputs` channels in all, to (B, outputs, h, w)."""
        return super().forward(torch.cat(list(parts), 1))


class Deconv(nn.ConvTranspose2d):
    """A transposed convolution, drawn as a `Conv`. With side = stride + 2 padding it makes stride h
    x stride w of h x w, and a mirrored image gives a mirrored result; others need their output cut.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        side: int,
        stride: int,
        padding: int,
        *,
        start: Start = "torch",
        gain: float = 1.0,
        bias: bool = True,
        groups: int = 1,
    ) -> None:
        self.start, self.gain = start, gain
        super().__init__(inputs, outputs, side, stride, padding, groups=groups, bias=bias)

    def reset_parameters(self) -> None:
        """Nothing: see `Conv`."""

    def draw(self, rng: np.random.Generator) -> None:
        """Initial weights and bias."""
        taps = self.kernel_size[0] * self.kernel_size[1]
        inputs = self.in_channels // self.groups * taps
        draw_filters(self, rng, max(1, inputs // self.stride[0] ** 2))


class Linear(nn.Linear):
    """A linear layer, with memory but no values; initial weights normal with deviation 0.02 and
    bias 0, as in Swin transformers.
    """

    def reset_parameters(self) -> None:
        """Nothing: see `Conv`."""

    def draw(self, rng: np.random.Generator) -> None:
        """Initial weights and bias."""
        fill(self.weight, 0.02 * rng.standard_normal(tuple(self.weight.shape)))
        nn.init.zeros_(self.bias)


def draw_weights(network: nn.Module, rng: np.random.Generator) -> None:
    """Initial weights of all layers that have a `draw`, in order; the others (PReLU, normalisation)
    have theirs from torch.
    """
    for layer in network.modules():
        draw = getattr(layer, "draw", None)
        if draw is not None:
            draw(rng)


def draw_filters(layer: Conv | Deconv, rng: np.random.Generator, inputs: int) -> None:
    """Fill a convolution's weight and bias as its `Start` says."""
    shape, bound = tuple(layer.weight.shape), 1 / math.sqrt(inputs)
    if layer.start == "he":
        fill(layer.weight, layer.gain * math.sqrt(2) * bound * rng.standard_normal(shape))
    else:
        fill(layer.weight, layer.gain * bound * (2 * rng.random(shape) - 1))
    if layer.bias is None:
        return
    if layer.start == "he":
        fill(layer.bias, np.zeros(len(layer.bias)))
    else:
        fill(layer.bias, bound * (2 * rng.random(len(layer.bias)) - 1))


def fill(parameter: Tensor, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    """Set a parameter."""
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values).to(parameter.dtype))


class ResidualBlock(nn.Module):
    """x + scale conv2(relu(conv1(x))): EDSR's block, without normalisation."""

    conv1: nn.Module
    conv2: nn.Module

    def __init__(
        self,
        features: int,
        scale: float = 1.0,
        *,
        side: int = 3,
        start: Start = "torch",
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.conv1: nn.Module = Conv(features, features, side, start=start, gain=gain)
        self.conv2: nn.Module = Conv(features, features, side, start=start, gain=gain)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        added: Tensor = self.conv2(torch.relu(self.conv1(x)))
        return x + added * self.scale


class Upsample(nn.Sequential):
    """Convolutions whose channels become pixels, in steps of 2, or of 3 (Shi et al. 2016); entries
    0, 2, ... have the weights. The first may take another number of channels, `inputs`.
    """

    def __init__(self, features: int, scale: int, inputs: int | None = None) -> None:
        parts: list[nn.Module] = []
        for step in steps(scale):
            taken = features if parts or inputs is None else inputs
            parts += [Conv(taken, step**2 * features), nn.PixelShuffle(step)]
        super().__init__(*parts)


def steps(scale: int) -> list[int]:
    """The doublings that a scale is made of, or the one step of 3."""
    return [3] if scale == 3 else [2] * round(math.log2(scale))


class Normalise(nn.Module):
    """(x - mean) range, and back; holds nothing that goes into a checkpoint."""

    mean: Tensor

    def __init__(self, mean: tuple[float, float, float], span: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.span = span

    def forward(self, x: Tensor) -> Tensor:
        """[0, 1] to what the network counts in."""
        return (x - self.mean) * self.span

    def back(self, x: Tensor) -> Tensor:
        """What the network counts in to [0, 1]."""
        return x / self.span + self.mean


class PostUpsampling(Network):
    """The frame of EDSR and RCAN: blocks at the size of the LR, what they add to the first
    features, then the upsampling layers.

    Args:
        config: Settings with `features`, `mean` and `range`.
        scale: HR pixels per LR pixel along each axis.
        blocks: (B, features, h, w) to the same.
    """

    def __init__(
        self, config: EdsrConfig | RcanConfig | RnanConfig, scale: int, blocks: Iterable[nn.Module]
    ) -> None:
        super().__init__(config, scale)
        features = config.features
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first = Conv(3, features)
        self.body = nn.Sequential(*blocks)
        self.conv_after_body = Conv(features, features)
        self.upsample = Upsample(features, scale)
        self.conv_last = Conv(features, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        first = self.conv_first(self.normalise(lr))
        body = self.conv_after_body(self.body(first)) + first
        return self.normalise.back(self.conv_last(self.upsample(body)))


class BicubicUp(nn.Module):
    """MATLAB's bicubic upscaling by an integer (a = -0.5, edge sample repeated in mirrored
    borders), as `functional.resize` makes it, with overshoot, differentiable.
    """

    taps: Tensor

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        # Places of the outputs, measured from the input sample that they stem from.
        offsets = (np.arange(scale) + 0.5) / scale - 0.5
        taps = cubic(offsets[:, None] - np.arange(-2, 3)[None])
        self.register_buffer(
            "taps", torch.from_numpy(taps).float()[:, None, :, None], persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, scale h, scale w)."""
        with in_full(x):
            for _ in range(2):
                x = self._rows(x).transpose(2, 3)
        return x

    def _rows(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, scale h, w)."""
        batch, channels, height, width = x.shape
        place = wrapped(torch.arange(-2, height + 2, device=x.device), 2 * height)
        padded = x.index_select(2, torch.minimum(place, 2 * height - 1 - place))
        found = conv2d(
            padded.reshape(batch * channels, 1, height + 4, width), self.taps.to(x.dtype)
        )
        return found.transpose(1, 2).reshape(batch, channels, height * self.scale, width)


def in_full(x: Tensor) -> torch.autocast:
    """No mixed precision within: what a network adds to must not be rounded to eight bits."""
    return torch.autocast(x.device.type, enabled=False)


def wrapped(place: Tensor, period: int) -> Tensor:
    """Whole numbers modulo a period. By a tensor: torch's ONNX exporter knows no remainder by a
    number that follows from the size of an image.
    """
    return place % torch.full((), period, dtype=place.dtype, device=place.device)


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """The first rows and columns of (B, C, h, w), where `reflected` has added more. A copy and not
    a view: an exported network would hold either for sizes that fit or for others.
    """
    for axis, length in ((2, height), (3, width)):
        x = x.index_select(axis, torch.arange(length, device=x.device))
    return x


def reflected(x: Tensor, unit: int, least: int = 0) -> Tensor:
    """Continue (B, C, h, w) to the right and below to multiples of `unit`, or to `least` if that is
    more, mirrored without repeating the edge, from any size.
    """
    for axis in (2, 3) if unit > 1 else ():
        length = x.shape[axis]
        # No branch for what fits already: an exported network would hold for such sizes alone.
        # Not by the floor of a negative number, which ONNX rounds the other way.
        whole = (length + unit - 1) // unit * unit
        if least:
            whole = torch.sym_max(whole, least)  # type: ignore[no-untyped-call]
        place = torch.arange(whole, device=x.device)
        place = wrapped(place, torch.sym_max(1, 2 * length - 2))  # type: ignore[no-untyped-call]
        x = x.index_select(axis, torch.minimum(place, (2 * length - 2 - place).clamp_min(0)))
    return x

"""SwinIR: attention within windows that every second block shifts (Liang et al. 2021); names of the
authors.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, leaky_relu

from pairmill.models.archs.layers import (
    Conv,
    Linear,
    Network,
    Normalise,
    Upsample,
    cropped,
    fill,
    reflected,
)
from pairmill.schemas.networks.base import DIV2K_MEAN
from pairmill.schemas.networks.swinir import SwinIrConfig

TAIL = 64
"""Channels of the upsampling layers."""
SLOPE = 0.2
APART = -100.0
"""Added to the attention between pixels that the shift brings together from opposite sides."""


class Attention(nn.Module):
    """Multi-head attention among the pixels of a window, with a learned bias for every distance
    (Swin, eq. 4).
    """

    relative_position_index: Tensor

    def __init__(self, features: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("relative_position_index", distances(window))
        self.qkv, self.proj = Linear(features, 3 * features), Linear(features, features)

    def draw(self, rng: np.random.Generator) -> None:
        """The first biases."""
        fill(
            self.relative_position_bias_table,
            0.02 * rng.standard_normal(tuple(self.relative_position_bias_table.shape)),
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Windows (B n, pixels, features), and (n, pixels, pixels) that is added between pixels, to
        the same windows.
        """
        windows, pixels, features = x.shape
        query, key, value = (
            self.qkv(x).reshape(windows, pixels, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        strength = (query * (features // self.heads) ** -0.5) @ key.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]
        strength = strength + bias.reshape(pixels, pixels, self.heads).permute(2, 0, 1)
        if mask is not None:
            strength = strength.unflatten(0, (-1, mask.shape[0])) + mask.to(x.dtype)[:, None]
            strength = strength.flatten(0, 1)
        found = strength.softmax(-1) @ value
        return self.proj(found.transpose(1, 2).reshape(windows, pixels, features))  # type: ignore[no-any-return]


class Mlp(nn.Module):
    """Two linear layers with GELU between."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = Linear(features, hidden), Linear(hidden, features)

    def forward(self, x: Tensor) -> Tensor:
        """(..., features) to the same."""
        return self.fc2(gelu(self.fc1(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention and an MLP, each with a skip connection; an odd block shifts the windows by half of
    one.
    """

    attn_mask: Tensor

    def __init__(self, config: SwinIrConfig, heads: int, *, odd: bool) -> None:
        super().__init__()
        features, self.window = config.features, config.window
        self.shift = config.window // 2 if odd else 0
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.attn = Attention(features, heads, config.window)
        self.mlp = Mlp(features, int(features * config.mlp_ratio))
        if odd:
            self.register_buffer("attn_mask", apart(config.patch, config.patch, config.window))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, h, w, features), and the mask of shifted windows, to the same."""
        values = self.norm1(x)
        if self.shift:
            values = values.roll((-self.shift, -self.shift), (1, 2))
        seen = self.attn(windowed(values, self.window), mask if self.shift else None)
        found = joined(seen, x.shape, self.window)
        if self.shift:
            found = found.roll((self.shift, self.shift), (1, 2))
        x = x + found
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class Group(nn.Module):
    """Blocks and convolutions with a skip connection."""

    def __init__(self, config: SwinIrConfig, depth: int, heads: int) -> None:
        super().__init__()
        self.residual_group = nn.Module()
        self.residual_group.add_module(
            "blocks", nn.ModuleList(Block(config, heads, odd=n % 2 == 1) for n in range(depth))
        )
        self.conv = convolutions(config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, h, w, features), and the mask of shifted windows, to the same."""
        values = x
        for block in self.residual_group.get_submodule("blocks").children():
            values = block(values, mask)
        return x + self.conv(values.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)  # type: ignore[no-any-return]


class SwinIr(Network):
    """Post-upsampling. Published training also leaves out blocks at random; here nothing is random,
    so that runs repeat.
    """

    def __init__(self, config: SwinIrConfig, scale: int) -> None:
        super().__init__(config, scale)
        self.window, features = config.window, config.features
        self.normalise = Normalise(DIV2K_MEAN, config.range)
        self.conv_first = Conv(3, features)
        self.patch_embed = nn.Module()
        self.patch_embed.add_module("norm", nn.LayerNorm(features))
        self.layers = nn.ModuleList(
            Group(config, *each) for each in zip(config.depths, config.heads, strict=True)
        )
        self.norm = nn.LayerNorm(features)
        self.conv_after_body = convolutions(config)
        self.tail = TAILS[config.upsampler]
        if config.upsampler == "pixelshuffledirect":
            self.upsample = nn.Sequential(Conv(features, 3 * scale**2), nn.PixelShuffle(scale))
            return
        self.conv_before_upsample = nn.Sequential(Conv(features, TAIL), nn.LeakyReLU())
        if config.upsampler == "pixelshuffle":
            self.upsample = Upsample(TAIL, scale)
        else:
            names = ["conv_up1", "conv_up2", "conv_hr"]
            if scale != 4:
                names.remove("conv_up2")
            for name in names:
                self.add_module(name, Conv(TAIL, TAIL))
        self.conv_last = Conv(TAIL, 3)

    def reach(self) -> None:
        """See `Network.reach`; each shift of the windows carries on by one more."""

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        height, width = (self.scale * length for length in lr.shape[2:])
        first = self.conv_first(self.normalise(reflected(lr, self.window)))
        values = self.patch_embed.get_submodule("norm")(first.permute(0, 2, 3, 1))
        mask = apart(values.shape[1], values.shape[2], self.window, values.device)
        for layer in self.layers:
            values = layer(values, mask)
        body = self.conv_after_body(self.norm(values).permute(0, 3, 1, 2)) + first
        return cropped(self.normalise.back(self.tail(self, body)), height, width)


def _steps(network: SwinIr, body: Tensor) -> Tensor:
    return network.conv_last(network.upsample(network.conv_before_upsample(body)))  # type: ignore[no-any-return]


def _direct(network: SwinIr, body: Tensor) -> Tensor:
    return network.upsample(body)  # type: ignore[no-any-return]


def _nearest(network: SwinIr, body: Tensor) -> Tensor:
    values = network.conv_before_upsample(body)
    for name in ("conv_up1", "conv_up2")[: network.scale // 2]:
        values = leaky_relu(
            network.get_submodule(name)(interpolate(values, scale_factor=2, mode="nearest")), SLOPE
        )
    return network.conv_last(leaky_relu(network.get_submodule("conv_hr")(values), SLOPE))  # type: ignore[no-any-return]


TAILS = {"pixelshuffle": _steps, "pixelshuffledirect": _direct, "nearest+conv": _nearest}
"""What makes the image large, by `SwinIrConfig.upsampler`."""


def convolutions(config: SwinIrConfig) -> nn.Module:
    """What ends a group, and the body: one convolution, or three with a quarter of the features
    between.
    """
    features, few = config.features, config.features // 4
    if config.residual == "1conv":
        return Conv(features, features)
    between = nn.LeakyReLU(SLOPE)
    return nn.Sequential(
        Conv(features, few), between, Conv(few, few, 1), between, Conv(few, features)
    )


def windowed(x: Tensor, side: int) -> Tensor:
    """(B, h, w, C) to (B n, side**2, C), window after window, row after row; h and w are multiples
    of the side.
    """
    batch, height, width, features = x.shape
    cut = x.reshape(batch, height // side, side, width // side, side, features)
    return cut.transpose(2, 3).reshape(-1, side**2, features)


def joined(windows: Tensor, shape: torch.Size, side: int) -> Tensor:
    """What `windowed` has cut, (B n, side**2, C), to the shape (B, h, w, C)."""
    batch, height, width, features = shape
    return (
        windows.reshape(batch, height // side, width // side, side, side, features)
        .transpose(2, 3)
        .reshape(shape)
    )


def distances(window: int) -> Tensor:
    """(pixels, pixels) int64: which entry of the table of biases each pair of pixels of a window
    uses.
    """
    place = torch.arange(window)
    rows, columns = place.repeat_interleave(window), place.repeat(window)
    apart_rows, apart_columns = rows[:, None] - rows, columns[:, None] - columns
    return (apart_rows + window - 1) * (2 * window - 1) + apart_columns + window - 1


def apart(height: int, width: int, window: int, device: torch.device | None = None) -> Tensor:
    """(n, pixels, pixels) float32: 0 between pixels that are near in the image, `APART` where
    only the shift by half a window has brought them together.
    """
    rows, columns = (torch.arange(length, device=device) - length for length in (height, width))
    rows, columns = (
        (place >= -window).long() + (place >= -(window // 2)) for place in (rows, columns)
    )
    region = windowed((3 * rows[:, None] + columns)[None, :, :, None], window)[:, :, 0]
    return torch.where(region[:, None] == region[:, :, None], 0.0, APART)

"""IPT: a transformer over patches of fixed size (Chen et al. 2021), for weights of others.

Its layers have the names of the published files. Images larger than a patch are cut into patches
that overlap by a half, and fade into one another.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import fold, linear, scaled_dot_product_attention, unfold

from pairmill.models.archs.attention import at_once
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
from pairmill.schemas.networks.ipt import IptConfig


class Table(nn.Module):
    """A learned vector per place."""

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(places, width))

    def draw(self, rng: np.random.Generator) -> None:
        """Initial vectors."""
        fill(self.weight, 0.02 * rng.standard_normal(tuple(self.weight.shape)))


class Bare(nn.Module):
    """A linear layer without bias that has no values yet."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs))

    def draw(self, rng: np.random.Generator) -> None:
        """Initial weights."""
        fill(self.weight, 0.02 * rng.standard_normal(tuple(self.weight.shape)))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        return linear(x, self.weight)


class Attention(nn.Module):
    """Multi-head attention without biases."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
        self.out_proj = Bare(width, width)

    def draw(self, rng: np.random.Generator) -> None:
        """Initial weights of queries, keys and values."""
        fill(self.in_proj_weight, 0.02 * rng.standard_normal(tuple(self.in_proj_weight.shape)))

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """(B, N, width) and twice (B, M, width) to (B, N, width)."""
        given = zip((queries, keys, values), self.in_proj_weight.chunk(3), strict=True)
        first, second, third = (self._heads(linear(x, weight)) for x, weight in given)
        found = scaled_dot_product_attention(first, second, third)
        mixed: Tensor = self.out_proj(found.transpose(1, 2).flatten(2))
        return mixed

    def _heads(self, x: Tensor) -> Tensor:
        """(B, N, width) to (B, heads, N, width / heads)."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Layer(nn.Module):
    """What the layers of encoder and decoder have in common: attention among the vectors, and a
    perceptron for each; they are normalised before both.
    """

    def __init__(self, config: IptConfig) -> None:
        super().__init__()
        width = config.width
        self.self_attn = Attention(width, config.heads)
        self.linear1, self.linear2 = Linear(width, 4 * width), Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def perceived(self, x: Tensor, norm: nn.LayerNorm) -> Tensor:
        """(B, N, width) with what the perceptron adds."""
        added: Tensor = self.linear2(torch.relu(self.linear1(norm(x))))
        return x + added


class EncoderLayer(Layer):
    """See `Layer`."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) to the same."""
        seen = self.norm1(x)
        return self.perceived(x + self.self_attn(seen, seen, seen), self.norm2)


class DecoderLayer(Layer):
    """See `Layer`; then it looks at what the encoder made. The task's vectors are added to what
    asks, and to what is asked within a layer.
    """

    def __init__(self, config: IptConfig) -> None:
        super().__init__(config)
        self.multihead_attn = Attention(config.width, config.heads)
        self.norm3 = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, encoded: Tensor, task: Tensor) -> Tensor:
        """Twice (B, N, width), and (N, width), to (B, N, width)."""
        seen = self.norm1(x)
        x = x + self.self_attn(seen + task, seen + task, seen)
        x = x + self.multihead_attn(self.norm2(x) + task, encoded, encoded)
        return self.perceived(x, self.norm3)


class Stack(nn.Module):
    """Layers, by the name that files give them."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)


class Positions(nn.Module):
    """What is added to the vectors of each place; `position_ids` is in every file."""

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.register_buffer("position_ids", torch.arange(places)[None])
        self.pe = Table(places, width)


class Transformer(nn.Module):
    """Pixels of a patch to vectors, encoder and decoder, and back."""

    def __init__(self, config: IptConfig) -> None:
        super().__init__()
        width, places = config.width, (config.patch // config.token) ** 2
        self.patch, self.token = config.patch, config.token
        self.linear_encoding = Linear(width, width)
        self.mlp_head = nn.Sequential(
            Linear(width, 4 * width), nn.Identity(), nn.ReLU(), Linear(4 * width, width)
        )
        self.query_embed = Table(1, places * width)
        self.encoder = Stack(EncoderLayer(config) for _ in range(config.layers))
        self.decoder = Stack(DecoderLayer(config) for _ in range(config.layers))
        self.position_encoding = Positions(places, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, patch, patch) to the same."""
        vectors = unfold(x, self.token, stride=self.token).transpose(1, 2)
        encoded = vectors + self.linear_encoding(vectors) + self.position_encoding.pe.weight
        for layer in self.encoder.layers:
            encoded = layer(encoded)
        task, found = self.query_embed.weight.view(vectors.shape[1:]), encoded
        for layer in self.decoder.layers:
            found = layer(found, encoded, task)
        found = (found + self.mlp_head(found)).transpose(1, 2)
        return fold(found, (self.patch, self.patch), self.token, stride=self.token)


class Head(nn.Module):
    """x + conv(relu(conv(x))), of 5 x 5."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Conv(features, features, 5), nn.ReLU(), Conv(features, features, 5)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        added: Tensor = self.body(x)
        return x + added


class Ipt(Network):
    """One task: its convolutions around the transformer."""

    fade: Tensor

    def __init__(self, config: IptConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, self.patch = config.features, config.patch
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first = Conv(3, features)
        self.head = nn.Sequential(Head(features), Head(features))
        self.body = Transformer(config)
        self.upsample = Upsample(features, scale)
        self.conv_last = Conv(features, 3)
        # Of all that a patch becomes, the perceptrons or the enlarged features are largest.
        perceptron = 4 * config.width * (config.patch // config.token) ** 2
        self.some = at_once(max(perceptron, features * (scale * config.patch) ** 2))
        ramp = torch.arange(1, scale * config.patch + 1).float()
        ramp = torch.minimum(ramp, ramp.flip(0))
        self.register_buffer("fade", torch.outer(ramp, ramp).flatten()[:, None], persistent=False)

    def reach(self) -> None:
        """See `Network.reach`: where patches are cut depends on where the image begins."""

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        (height, width), step = lr.shape[2:], self.patch // 2
        whole = reflected(lr, step, self.patch)
        cut = unfold(whole, self.patch, stride=step).transpose(1, 2)
        made = self._patches(cut.reshape(-1, 3, self.patch, self.patch))
        made = made.reshape(*cut.shape[:2], -1)
        area = self.scale * whole.shape[2], self.scale * whole.shape[3]
        fade = self.fade.to(made.dtype).expand(-1, cut.shape[1])
        total = self._laid(made.transpose(1, 2) * fade.repeat(3, 1), area)
        return cropped(
            total / self._laid(fade[None], area), self.scale * height, self.scale * width
        )

    def _patches(self, lr: Tensor) -> Tensor:
        """As `_patch`, some at a time, so that memory does not grow with the image (outside of
        training); not in what is compiled or exported, see `attend`.
        """
        if torch.compiler.is_compiling():
            return self._patch(lr)
        return torch.cat([self._patch(part) for part in torch.split(lr, self.some)])

    def _patch(self, lr: Tensor) -> Tensor:
        """(B, 3, patch, patch) to (B, 3, scale patch, scale patch)."""
        first = self.head(self.conv_first(self.normalise(lr)))
        values = self.upsample(first + self.body(first))
        return self.normalise.back(self.conv_last(values))

    def _laid(self, patches: Tensor, area: tuple[int, int]) -> Tensor:
        """The sum of patches (B, C patch**2 scale**2, patches) where they belong."""
        side = self.scale * self.patch
        return fold(patches, area, side, stride=side // 2)

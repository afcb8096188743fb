"""The networks: DegNet reads a degradation off a pair, SynNet puts it on an image, the critic
judges pairs (ReDegNet, Sec. 3).

Images are (B, 3, h, w) in [-1, 1]. DegNet and the critic take `side` x `side`; SynNet takes
multiples of `unit`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from pairmill.models.redegnet.layers import (
    Linear,
    RgbHead,
    SpectralConv,
    SpectralLinear,
    StyledBlock,
    active,
    pixel_norm,
)
from pairmill.schemas.redegnet import RedegnetNetConfig


class Pyramid(nn.Module):
    """A convolution, then one of stride 2 per halving: features at every size, the largest
    first.
    """

    def __init__(self, config: RedegnetNetConfig, inputs: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.head = SpectralConv(rng, inputs, config.channels(0))
        self.steps = nn.ModuleList(
            SpectralConv(rng, config.channels(depth), config.channels(depth + 1), stride=2)
            for depth in range(config.halvings)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, inputs, h, w) to features with sides h, h / 2, h / 4, ..."""
        features = [active(self.head(image))]
        for step in self.steps:
            features.append(active(step(features[-1])))
        return features


class DegNet(nn.Module):
    """Omega = F_Deg(LQ, HQ): a representation of what happened to the image, not of what it shows
    (ReDegNet, eq. 1).
    """

    def __init__(self, config: RedegnetNetConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.pyramid = Pyramid(config, 6, rng)
        self.first = Linear(rng, 16 * config.channels(config.halvings), config.code, gain=1.4)
        self.second = Linear(rng, config.code, config.code)

    def forward(self, hq: Tensor, lq: Tensor) -> Tensor:
        """Two of (B, 3, side, side) to (B, code)."""
        deepest = self.pyramid(torch.cat([hq, lq], 1))[-1]
        return self.second(active(self.first(deepest.flatten(1))))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """What SynNet sees of an image: a pyramid, and a residual block on its smallest features."""

    def __init__(self, config: RedegnetNetConfig, rng: np.random.Generator) -> None:
        super().__init__()
        deepest = config.channels(config.halvings)
        self.pyramid = Pyramid(config, 3, rng)
        self.middle = SpectralConv(rng, deepest, deepest)
        self.first, self.second = (SpectralConv(rng, deepest, deepest) for _ in range(2))
        self.skip = SpectralConv(rng, deepest, deepest, 1)

    def forward(self, hq: Tensor) -> list[Tensor]:
        """(B, 3, h, w) to features, the smallest first, and before them what the residual block
        makes of those.
        """
        features = self.pyramid(hq)
        middle = active(self.middle(features[-1]))
        last = self.second(active(self.first(middle))) + self.skip(middle)
        return [last, *features[::-1]]


class Generator(nn.Module):
    """StyleGAN2's generator without noise: features of the HQ in place of a constant, the
    degradation as style.
    """

    def __init__(self, config: RedegnetNetConfig, rng: np.random.Generator) -> None:
        super().__init__()
        depths = list(range(config.halvings, -1, -1))
        widths = [config.channels(depth) for depth in depths]
        code, skip = config.code, config.skip_start
        self.mapping = nn.ModuleList(
            Linear(rng, code, code, gain=1.4) for _ in range(config.mapping)
        )
        self.start = SpectralConv(rng, widths[0], widths[0])
        self.seeing = nn.ModuleList([StyledBlock(rng, widths[0], widths[0], code, skip=skip)])
        self.blind = nn.ModuleList()
        self.heads = nn.ModuleList([RgbHead(rng, widths[0], code)])
        for inputs, outputs in pairwise(widths):
            self.seeing.append(StyledBlock(rng, inputs, outputs, code, enlarge=True, skip=skip))
            self.blind.append(StyledBlock(rng, outputs, outputs, code))
            self.heads.append(RgbHead(rng, outputs, code))

    def forward(self, features: list[Tensor], omega: Tensor) -> Tensor:
        """Features of the encoder and representations (B, code) to (B, 3, h, w) in (-1, 1)."""
        style = pixel_norm(omega)
        for layer in self.mapping:
            style = active(layer(style))
        image = active(self.start(features[0]))
        image = self.seeing[0](image, style, features[1])
        picture = self.heads[0](image, style, None)
        for number, seen in enumerate(features[2:], 1):
            image = self.seeing[number](image, style, seen)
            image = self.blind[number - 1](image, style)
            picture = self.heads[number](image, style, picture)
        return picture  # type: ignore[no-any-return]


class SynNet(nn.Module):
    """LQ = F_Syn(HQ, Omega) (ReDegNet, eq. 2); convolutions only, so that an image may be larger
    than those of the fit.
    """

    def __init__(self, config: RedegnetNetConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.generator = Encoder(config, rng), Generator(config, rng)

    def forward(self, hq: Tensor, omega: Tensor) -> Tensor:
        """(B, 3, h, w), sides multiples of `unit`, and (B, code) to (B, 3, h, w) in (-1, 1)."""
        return self.generator(self.encoder(hq), omega)  # type: ignore[no-any-return]


class _Halving(nn.Module):
    """A residual block that halves the size: two convolutions and a mean, next to a 1 x 1
    convolution and a mean.
    """

    def __init__(
        self, rng: np.random.Generator, inputs: int, outputs: int, *, first: bool = False
    ) -> None:
        super().__init__()
        self.is_first = first
        self.one, self.two = SpectralConv(rng, inputs, outputs), SpectralConv(rng, outputs, outputs)
        self.bypass = SpectralConv(rng, inputs, outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h / 2, w / 2)."""
        if self.is_first:
            within = self.two(active(self.one(image)))
            small: Tensor = avg_pool2d(within, 2) + self.bypass(avg_pool2d(image, 2))
            return small
        within = self.two(torch.relu(self.one(torch.relu(image))))
        return avg_pool2d(within + self.bypass(image), 2)


class Discriminator(nn.Module):
    """Whether an LQ is the real one of an HQ and a representation: residual blocks down to 8 x 8, a
    mean, two layers.
    """

    def __init__(self, config: RedegnetNetConfig, rng: np.random.Generator) -> None:
        super().__init__()
        widths = [6, *(config.channels(depth) for depth in range(max(1, config.halvings - 1)))]
        self.blocks = nn.ModuleList(
            _Halving(rng, inputs, outputs, first=number == 0)
            for number, (inputs, outputs) in enumerate(pairwise(widths))
        )
        self.join = SpectralLinear(rng, widths[-1] + config.code, config.code)
        self.out = SpectralLinear(rng, config.code, 1)

    def forward(self, lq: Tensor, hq: Tensor, omega: Tensor) -> Tensor:
        """Two of (B, 3, side, side) and (B, code) to (B, 1): above 0 for real."""
        values = torch.cat([lq, hq], 1)
        for block in self.blocks:
            values = block(values)
        return self.out(self.join(torch.cat([values.mean((2, 3)), omega], 1)))  # type: ignore[no-any-return]

"""The two halves of a degradation: a network that draws kernels and one that draws noise (PDM, Sec.
3).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.pdm.centring import centred_softmax, positions
from pairmill.models.pdm.weights import Trunk, conv, draw_weights, fill
from pairmill.schemas.pdm import PdmKernelConfig, PdmNoiseConfig

UNIT = 8 / 255
"""Noise is learned in units of this, about what real noise is, so that one step size suits kernels
and noise."""
PRIOR = 3
"""Numbers of the quadratic form exp(-2 w) expm([[a, b], [b, -a]]): the logarithm of the width, and
a stretch in two parts. It is positive whatever they are, and no direction comes before another, so
that a fit does not settle in one."""
SPREAD = 0.2
"""Deviation of these numbers over z at the start, roughly."""
LONGEST = 4.0
"""Largest stretch, the logarithm of the ratio of the widths along the axes."""


class KernelModule(nn.Module):
    """k = softmax(netK(z)), tilted so that it is centred; 1 x 1 convolutions, so that a map of z
    gives a map of kernels.

    Neighbouring kernels of a map are alike because their z are: `smooth_map` draws such z.
    """

    def __init__(self, config: PdmKernelConfig, scale: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.config, self.scale = config, scale
        prior = PRIOR if config.prior == "gaussian" else 0
        self.trunk = Trunk(config.channels, config.features, config.blocks, 1)
        self.out = conv(config.features, config.size**2 + prior)
        draw_weights(self, rng)
        self._start(rng)

    def _start(self, rng: np.random.Generator) -> None:
        """The first kernels: a Gaussian (or nearly a box, as published) with a little spread from z
        where there is a prior.
        """
        size, start = self.config.size, self.config.start
        sigma = None if start is None else start * self.scale
        places = positions(size, self.scale, torch.zeros(1, dtype=torch.float64)).numpy()
        bias = np.zeros(size**2 + (PRIOR if self.config.prior == "gaussian" else 0))
        weight = np.zeros(tuple(self.out.weight.shape))
        if self.config.prior == "gaussian":
            bias[-PRIOR] = np.log(sigma or size / 4)
            weight[-PRIOR:] = rng.standard_normal(weight[-PRIOR:].shape) * (
                SPREAD / self.config.features**0.5
            )
        elif sigma is not None:
            bias[: size**2] = -(places**2).sum(1) / (2 * sigma**2)
        else:
            bias[size**2 // 2] = 1.0
        fill(self.out.weight, weight)
        fill(self.out.bias if self.out.bias is not None else self.out.weight, bias)

    def forward(self, z: Tensor) -> Tensor:
        """(B, channels, h, w) standard normal to (B, size^2, h, w) kernels, each with sum 1 and
        centred, float32 or as `z`.
        """
        if z.dtype != torch.float64:
            out = self.out(self.trunk(z)).float()
        else:
            out = self.out(self.trunk(z))
        batch, _, height, width = out.shape
        flat = out.permute(0, 2, 3, 1).reshape(batch * height * width, -1)
        kernels = centred_softmax(self._logits(flat), self.scale)
        return kernels.reshape(batch, height, width, -1).permute(0, 3, 1, 2)

    def _logits(self, flat: Tensor) -> Tensor:
        cells = self.config.size**2
        if self.config.prior == "none":
            return flat
        places = positions(self.config.size, self.scale, flat)
        width, a, b = flat[:, cells:, None].unbind(1)
        stretch = (a * a + b * b + 1e-12).sqrt().clamp(max=LONGEST)
        rows, columns = places.unbind(1)
        form = stretch.cosh() * (rows**2 + columns**2)
        form = form + stretch.sinh() / stretch * (
            a * (rows**2 - columns**2) + 2 * b * rows * columns
        )
        return flat[:, :cells] - (-2 * width).exp() * form / 2


class NoiseModule(nn.Module):
    """n = netN(z, y): noise per pixel that may depend on the clean LR (PDM, eq. 7)."""

    def __init__(self, config: PdmNoiseConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        mixing = config.form == "mixing"
        side = 3 if config.spatial and not mixing else 1
        self.by_level = mixing and config.mix and config.by == "level"
        inputs: int = 0
        outputs: int = config.dim
        if config.mix:
            inputs = 1 if self.by_level else 3
        self.fields: nn.Conv2d | None = None
        if mixing:
            outputs *= config.filters
            self.fields = conv(
                config.channels, config.filters, config.reach, bias=False, border="circular"
            )
        else:
            inputs += config.channels
        self.trunk = Trunk(max(inputs, 1), config.features, config.blocks, side)
        self.out = conv(config.features, outputs)
        draw_weights(self, rng, 1.0)
        if self.fields is not None:
            _start_white(self.fields.weight)
        if config.zero_start:
            nn.init.zeros_(self.out.weight)
        else:
            fill(self.out.weight, rng.standard_normal(tuple(self.out.weight.shape)) * 1e-3)

    def forward(self, z: Tensor, clean: Tensor) -> Tensor:
        """Noise for a batch.

        Args:
            z: (B, channels, h, w), or (B, channels, 1, 1) where not `spatial`; standard normal.
            clean: (B, 3, h, w) in [0, 1]; no gradient goes back through it.

        Returns:
            (B, dim, h, w), in units of [0, 1].
        """
        clean = 2 * clean.detach() - 1
        if self.fields is None:
            parts = [z.expand(-1, -1, *clean.shape[2:])]
            if self.config.mix:
                parts.append(clean)
            return UNIT * self.out(self.trunk(torch.cat(parts, 1)))  # type: ignore[no-any-return]
        fields = self.fields(z.expand(-1, -1, *clean.shape[2:]))
        noise: Tensor = UNIT * (self._gains(clean) * fields[:, None]).sum(2)
        return noise

    def _gains(self, clean: Tensor) -> Tensor:
        """(B, dim, filters, h, w): weights of the fields, from (B, 3, h, w) in [-1, 1]."""
        shape = (self.config.dim, self.config.filters)
        if not self.by_level:
            if self.config.mix:
                seen = clean
            else:
                seen = torch.ones_like(clean[:, :1])
            mixed: Tensor = self.out(self.trunk(seen)).unflatten(1, shape)
            return mixed
        if self.config.dim == 3:
            levels = clean
        else:
            levels = clean.mean(1, keepdim=True)
        gains = (
            self.out(self.trunk(levels.flatten(0, 1)[:, None]))
            .unflatten(0, levels.shape[:2])
            .unflatten(2, shape)
        )
        return torch.stack([gains[:, channel, channel] for channel in range(self.config.dim)], 1)


def _start_white(filters: Tensor) -> None:
    """Let the first filters pass one random number each: white noise, a channel's its own, which a
    sensor's nearly is.
    """
    with torch.no_grad():
        for number in range(min(filters.shape[:2])):
            filters[number] = 0
            filters[number, number, filters.shape[2] // 2, filters.shape[3] // 2] = 1

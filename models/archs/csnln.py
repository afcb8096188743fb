"""CSNLN: a recurrent cell that finds larger versions of each place in the same image (Mei et al.
2020).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, fold, interpolate, pad, softmax, unfold

from pairmill.models.archs.attention import at_once, attend
from pairmill.models.archs.layers import (
    Conv,
    Deconv,
    Network,
    Normalise,
    ResidualBlock,
    cropped,
    in_full,
    reflected,
)
from pairmill.schemas.networks.csnln import CsnlnConfig

SIDE = 3
"""Of the places that are compared, in pixels."""
SHARPNESS = 10
"""Factor of the likeness of two places before the softmax."""
LEAST = 1e-4
"""Norm below which a place is like no other."""


def active(layer: nn.Module) -> nn.Sequential:
    """A layer and what it is followed by everywhere here, a PReLU with one slope."""
    return nn.Sequential(layer, nn.PReLU())


def down(features: int, stride: int) -> nn.Sequential:
    """To a size `stride` times smaller."""
    return active(Conv(features, features, stride + 4, stride, 2))


def up(features: int, stride: int) -> nn.Sequential:
    """To a size `stride` times larger."""
    return active(Deconv(features, features, stride + 4, stride, 2))


class InScale(nn.Module):
    """What every place finds among all others at the same size."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.queries, self.keys = (active(Conv(features, features // 2, 1)) for _ in range(2))
        self.values = active(Conv(features, features, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        parts = (self.queries(x), self.keys(x), self.values(x))
        queries, keys, values = (part.flatten(2).transpose(1, 2) for part in parts)
        return attend(queries, keys, values).transpose(1, 2).reshape(x.shape)


class CrossScale(nn.Module):
    """What every place looks like at a larger size: places of 3 x 3 pixels are compared with those
    of the image at 1 / step of its size, each of which has a counterpart of 3 step x 3 step pixels
    in the image itself; the mean of those, by likeness, is what is put in (section 3.2).

    Each output pixel is the mean of the up to nine counterparts that lie over it; the authors
    divide by 6 everywhere. Borders repeat the edge.
    """

    def __init__(self, features: int, step: int) -> None:
        super().__init__()
        self.step = step
        self.queries, self.keys = (active(Conv(features, features // 2, 1)) for _ in range(2))
        self.values = active(Conv(features, features, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w), sides multiples of the step, to (B, features, step h, step w)."""
        with in_full(x):
            x = x if x.dtype == torch.float64 else x.float()
            small = interpolate(x, scale_factor=1 / self.step, mode="bilinear", antialias=False)
            keys = places(self.keys(small), 1, 1)
            keys = keys / keys.norm(dim=1, keepdim=True).clamp_min(LEAST)
            values = places(self.values(x), self.step, self.step).transpose(1, 2)
            put = self._put(places(self.queries(x), 1, 1), keys, values, *x.shape[2:])
            over = avg_pool2d(x.new_ones(1, 1, *x.shape[2:]), SIDE, 1, 1) * SIDE**2
            return put / interpolate(over, scale_factor=self.step, mode="nearest")

    def _put(self, queries: Tensor, keys: Tensor, values: Tensor, high: int, wide: int) -> Tensor:
        """The sum of all counterparts, laid over one another, some rows of places at a time.

        Args:
            queries, keys: (B, D, h w) and (B, D, M).
            values: (B, M, V).
            high, wide: h and w.
        """
        step, margin = self.step, self.step
        batch, many, size = values.shape
        rows = high
        if not torch.compiler.is_compiling():  # see `attend`
            rows = at_once(batch * wide * (many + size))
        found = values.new_zeros(
            batch, size // (SIDE * step) ** 2, (high + 2) * step, (wide + 2) * step
        )
        for top in range(0, high, rows):
            end = min(high, top + rows)
            scores = queries[:, :, top * wide : end * wide].transpose(1, 2) @ keys
            parts = (softmax(SHARPNESS * scores, dim=2) @ values).transpose(1, 2)
            area = ((end - top + 2) * step, (wide + 2) * step)
            found[:, :, top * step : (end + 2) * step] += fold(
                parts, area, SIDE * step, stride=step
            )
        return found[:, :, margin:-margin, margin:-margin]


def places(x: Tensor, step: int, margin: int) -> Tensor:
    """All (B, C, 3 step, 3 step) that lie a step apart, (B, 9 C step**2, places); the edge is
    repeated.
    """
    return unfold(pad(x, (margin,) * 4, mode="replicate"), SIDE * step, stride=step)


class Step(nn.Module):
    """Both attentions, what they differ by, and a correction by what the LR says.

    Args:
        features: channels.
        step: how many times the size grows.
        total: how many times as large as the LR it is then.
    """

    def __init__(self, features: int, step: int, total: int) -> None:
        super().__init__()
        self.cross, self.inner, self.up = (
            CrossScale(features, step),
            InScale(features),
            up(features, step),
        )
        self.refine = Refine(features)
        self.down, self.back = down(features, total), up(features, total)

    def forward(self, x: Tensor, lr: Tensor) -> Tensor:
        """(B, features, h, w), and features of the LR, to (B, features, step h, step w)."""
        same = self.up(self.inner(x))
        found = same + self.refine(self.cross(x) - same)
        corrected: Tensor = found + self.back(lr - self.down(found))
        return corrected


class Refine(ResidualBlock):
    """A residual block with a PReLU."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.act = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        added: Tensor = self.conv2(self.act(self.conv1(x)))
        return x + added


class Csnln(Network):
    """The cell is used again and again; a convolution over all that it has found makes the image.

    At scale 4 it doubles twice. Odd sides are continued by what mirrors them and cut afterwards.
    """

    def __init__(self, config: CsnlnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, steps = config.features, {2: (2,), 3: (3,), 4: (2, 2)}[scale]
        self.unit, self.recurrences = steps[0], config.recurrences
        self.normalise = Normalise(config.mean, config.range)
        self.conv_first, self.act = Conv(3, features), nn.PReLU()
        self.second = active(Conv(features, features))
        totals = (steps[0], scale)
        self.steps = nn.ModuleList(
            Step(features, step, total) for step, total in zip(steps, totals, strict=False)
        )
        self.again = nn.Sequential(down(features, scale), active(Conv(features, features)))
        self.conv_last = Conv(config.recurrences * features, 3)

    def reach(self) -> None:
        """See `Network.reach`: every place looks at all of it."""

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        values = self.act(self.conv_first(self.normalise(reflected(lr, self.unit))))
        values = self.second(values)
        assert self.conv_last.bias is not None
        image = self.conv_last.bias[None, :, None, None]
        # Part by part, so that what the cell finds each time need not be kept.
        for time, weight in enumerate(self.conv_last.weight.chunk(self.recurrences, 1)):
            found = self.again(values) if time else values
            first = found
            for step in self.steps:
                found = step(found, first)
            image, values = image + conv2d(found, weight, padding=1), found
        height, width = (self.scale * side for side in lr.shape[2:])
        return cropped(self.normalise.back(image), height, width)

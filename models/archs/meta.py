"""Meta-SR: filters of the last layer that follow from the scale, for any scale with one network (Hu
et al. 2019).
"""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from pairmill.models.archs.layers import Conv, MultiScale, Network
from pairmill.models.archs.rdn import DenseBody
from pairmill.schemas.networks.meta import MetaConfig

SMALLEST, LARGEST = 1, 8
"""Scales that can be asked for; those of the paper are 1.1, 1.2, ... 4."""
FINEST = 20
"""Largest denominator of a scale: a scale p / q has p**2 filters."""
GAIN = 0.05
"""Of the filters at first: about as large as those of a `Conv`."""


class AnyScale(Network):
    """A network that upscales by fractions too; `scale` is the one of `forward`."""

    def enlarged(self, lr: Tensor, scale: Fraction) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, 3, floor(scale h), floor(scale w)).

        Raises:
            ValueError: if `lacks` says why not.
        """
        raise NotImplementedError

    def lacks(self, scale: Fraction) -> str | None:
        """Why it cannot upscale so; none if it can."""
        if SMALLEST <= scale <= LARGEST and scale.denominator <= FINEST:
            return None
        return f"scale {scale} is not {SMALLEST} to {LARGEST} in steps of 1 / {FINEST} or coarser"

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        return self.enlarged(lr, Fraction(self.scale))


class MetaUpscale(nn.Module):
    """A convolution of 3 x 3 to an image of any size (section 3.3).

    Output pixel i of a scale r lies at (i + 1/2) / r in the LR, whose pixel j covers j to j + 1. It
    is filtered out of the features around the pixel that it lies in, by a filter that follows from
    1 / r and from where it lies in that pixel, -1/2 to 1/2 along each axis. For r = p / q there are
    p x p such places, which come again every q LR pixels; at a whole r this is a convolution whose
    channels become pixels.

    Differs from the authors' program: there i lies at i / r, so that the image moves by (1 - 1 / r)
    / 2 LR pixels to the lower right; weights trained so are to be told places from 0, not -1/2.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.features = features
        self.hidden = Conv(3, hidden, 1, start="he")
        self.filters = Conv(hidden, 3 * features * 9, 1, start="he", gain=GAIN)

    def made(self, scale: Fraction) -> Tensor:
        """The filters of a scale p / q: (p, p, 3, features, 3, 3), by rows and columns of output
        pixels.
        """
        like = self.filters.weight
        place = torch.tensor(_places(scale), dtype=like.dtype, device=like.device)
        told = torch.stack(
            [
                torch.full((len(place),) * 2, 1 / float(scale), dtype=like.dtype).to(like.device),
                *torch.meshgrid(place, place, indexing="ij"),
            ]
        )
        found: Tensor = self.filters(torch.relu(self.hidden(told[None])))[0]
        many = scale.numerator
        return found.permute(1, 2, 0).reshape(many, many, 3, self.features, 3, 3)

    def forward(self, x: Tensor, scale: Fraction) -> Tensor:
        """(B, features, h, w) to (B, 3, floor(scale h), floor(scale w))."""
        (height, width), (many, apart) = x.shape[2:], scale.as_integer_ratio()
        down, along = -(-height // apart), -(-width // apart)
        x = pad(x, (1, 1 + along * apart - width, 1, 1 + down * apart - height))
        filters, spans = self.made(scale), _spans(scale)
        rows = []
        for top, (first, end) in enumerate(spans):
            parts = []
            for left, (begin, stop) in enumerate(spans):
                some = filters[first:end, begin:stop]
                part = conv2d(x[:, :, top:, left:], some.flatten(0, 2), stride=apart)
                parts.append(part.reshape(x.shape[0], *some.shape[:3], down, along))
            rows.append(torch.cat(parts, 2))
        # (B, many, many, 3, down, along): pixels of a period, and which period.
        image = torch.cat(rows, 1).permute(0, 3, 4, 1, 5, 2)
        image = image.reshape(x.shape[0], 3, down * many, along * many)
        return image[:, :, : height * many // apart, : width * many // apart]


def _places(scale: Fraction) -> list[float]:
    """Where each output pixel of a period lies in its LR pixel, -1/2 to 1/2. From whole numbers: a
    rounding can lay one that is near a border into the next LR pixel.
    """
    many, apart = scale.as_integer_ratio()
    return [((2 * i + 1) * apart % (2 * many) - many) / (2 * many) for i in range(many)]


def _spans(scale: Fraction) -> list[tuple[int, int]]:
    """Of each LR pixel of a period, the output pixels that lie in it: the first, and one behind the
    last.
    """
    sources = [
        (2 * i + 1) * scale.denominator // (2 * scale.numerator) for i in range(scale.numerator)
    ]
    return [
        (sources.index(j), sources.index(j) + sources.count(j)) for j in range(scale.denominator)
    ]


class Meta(AnyScale, DenseBody, MultiScale):
    """The features of RDN, then `MetaUpscale`."""

    def __init__(self, config: MetaConfig, scale: int) -> None:
        super().__init__(config, scale)
        self.upscale = MetaUpscale(config.features, config.hidden)

    def enlarged(self, lr: Tensor, scale: Fraction) -> Tensor:
        """See `AnyScale`."""
        problem = self.lacks(scale)
        if problem is not None:
            raise ValueError(problem)
        return self.normalise.back(self.upscale(self.features(lr), scale))


def scale_of(value: float) -> Fraction:
    """The fraction that a decimal number stands for: 2.7 is 27 / 10."""
    return Fraction(value).limit_denominator(FINEST)

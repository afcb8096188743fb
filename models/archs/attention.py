"""Attention among all places of an image, and among channels by their covariance."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from pairmill.models.archs.layers import Conv, in_full

SCORES = 2**24
"""Scores between queries and keys that are held at once, 64 MiB of float32, unless a single query
has more."""
STEPS = 5
"""Of Newton and Schulz. More would come nearer to the root; published weights are used to these."""
LEAST = 1e-12
"""Variance below which all channels count as constant."""


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """What each query finds: the mean of the values, weighted by the softmax over all keys of
    queries x keys. Some queries at a time, so that memory does not grow with the square of the
    image (outside of training, which keeps all weights for the gradient).

    Args:
        queries: (B, N, D).
        keys: (B, M, D).
        values: (B, M, V).

    Returns:
        (B, N, V).
    """
    keys = keys.transpose(1, 2)
    if torch.compiler.is_compiling():
        # The steps of what is compiled or exported cannot depend on the size of the image.
        return softmax(queries @ keys, dim=2) @ values
    some = at_once(keys.shape[0] * keys.shape[2])
    return torch.cat(
        [softmax(part @ keys, dim=2) @ values for part in torch.split(queries, some, dim=1)], 1
    )


def at_once(each: int) -> int:
    """How many queries are met at a time, if every one needs memory for `each` numbers."""
    return max(1, SCORES // max(1, each))


class NonLocal(nn.Module):
    """x + what every place finds among all others (Wang et al. 2018, embedded Gaussian). Nothing is
    added at first.

    Args:
        features: channels.
        inner: channels of queries, keys and values.
        cuts: parts of each axis that do not see one another: 2 are the quadrants of SAN.
    """

    def __init__(self, features: int, inner: int, cuts: int = 1) -> None:
        super().__init__()
        self.queries, self.keys, self.values = (Conv(features, inner, 1) for _ in range(3))
        self.output = Conv(inner, features, 1, start="he", gain=0.0)
        self.cuts = cuts

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        parts = (self.queries(x), self.keys(x), self.values(x))
        added: Tensor = self.output(_within(parts, self.cuts, 2))
        return x + added


def _within(parts: tuple[Tensor, ...], cuts: int, axis: int) -> Tensor:
    """Attention within each part of the image: queries, keys and values, all (B, inner, h, w), to
    the same; axis 2 is cut first, then 3.
    """
    if axis < 4:
        length = parts[0].shape[axis]
        ends = [(length * number + cuts - 1) // cuts for number in range(cuts + 1)]
        found = []
        for start, end in pairwise(ends):
            some = tuple(part.narrow(axis, start, end - start) for part in parts)
            found.append(_within(some, cuts, axis + 1))
        return torch.cat(found, axis)
    queries, keys, values = (part.flatten(2).transpose(1, 2) for part in parts)
    return attend(queries, keys, values).transpose(1, 2).reshape(parts[0].shape)


class SecondOrder(nn.Module):
    """Every channel times a number in (0, 1) that follows from how it varies together with all
    others: SAN's second-order channel attention (Dai et al. 2019, section 3.3).
    """

    def __init__(self, features: int, squeeze: int) -> None:
        super().__init__()
        few = features // squeeze
        self.attention = nn.Sequential(
            Conv(features, few, 1), nn.ReLU(), Conv(few, features, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same."""
        weights: Tensor = self.attention(covariation(x)[:, :, None, None])
        return x * weights


def covariation(x: Tensor) -> Tensor:
    """The mean of each row of the square root of the covariance of channels, (B, C, h, w) to (B,
    C); never in mixed precision.

    The root is that of Newton and Schulz after the matrix is divided by its trace, in `STEPS`: of
    64 channels that vary alike it finds 77 %.
    """
    with in_full(x):
        values = (x if x.dtype == torch.float64 else x.float()).flatten(2)
        values = values - values.mean(2, keepdim=True)
        covariance = values @ values.transpose(1, 2) / values.shape[2]
        trace = covariance.diagonal(dim1=1, dim2=2).sum(1).clamp_min(LEAST)[:, None, None]
        root, inverse = covariance / trace, torch.eye(x.shape[1], dtype=values.dtype).to(x.device)
        three = 3 * inverse
        for _ in range(STEPS):
            step = (three - inverse @ root) / 2
            root, inverse = root @ step, step @ inverse
        return (root * trace.sqrt()).mean(2)

"""The kernels that a flow learns, anisotropic Gaussians, and how they become numbers without
bounds.

Kernels follow the convention of this project, correlation kernels whose mass lies at `k // 2 +
(s - 1) / 2`, so that nothing is flipped anywhere. The published generator puts the mass at
`(k - s) / 2` and correlates too, which moves LR by s - 1 HR pixels; kernels of published flows
would have to be turned by half a turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.functional.kernels import target_centre

Array = NDArray[np.float64]

ALPHA = 1e-6
"""Values are drawn this far into (0, 1) before their logit is taken."""
LEVELS = 720
"""Dequantisation: uniform noise of 1 / 720 hides that most cells are 0."""
NARROWEST, WIDEST, MOST = 0.175, 2.5, 10.0
"""Least and largest variance per unit of scale, and the largest of all, in squared HR pixels."""


def side(scale: int) -> int:
    """Side of the kernels of a flow, in HR pixels: 11, 15, 19, and 21 for x8."""
    return min(4 * scale + 3, 21)


def draw_gaussians(scale: int, count: int, rng: np.random.Generator) -> Array:
    """Random Gaussians (FKP, Sec. 4.1), (count, k, k) of sum 1.

    Variances along both axes are uniform in [0.175 s, min(2.5 s, 10)], the direction in [0, pi).

    Args:
        scale: s.
        count: of them.
        rng: stream; three doubles are taken for each.
    """
    first, second, turn = rng.random((3, count))
    low, high = NARROWEST * scale, min(WIDEST * scale, MOST)
    return gaussians(scale, low + (high - low) * first, low + (high - low) * second, np.pi * turn)


def gaussians(scale: int, first: Array, second: Array, theta: Array) -> Array:
    """Gaussians of given variances and directions, all (count,): (count, k, k) of sum 1."""
    size = side(scale)
    row, column = np.mgrid[:size, :size] - target_centre(size, scale)
    cos, sin = np.cos(theta)[:, None, None], np.sin(theta)[:, None, None]
    along, across = column * cos + row * sin, row * cos - column * sin
    powers = along**2 / first[:, None, None] + across**2 / second[:, None, None]
    values = np.exp(-0.5 * powers)
    return np.asarray(values / values.sum((1, 2), keepdims=True))


@dataclass(frozen=True)
class Codec:
    """Kernels of one scale as vectors without bounds, and back."""

    scale: int

    @property
    def side(self) -> int:
        """Of a kernel, in HR pixels."""
        return side(self.scale)

    @property
    def peak(self) -> float:
        """What kernels are divided by: the largest cell of the narrowest, and a little."""
        narrow = np.array([NARROWEST * self.scale])
        return round(float(gaussians(self.scale, narrow, narrow, np.zeros(1)).max()), 5) + 0.01

    def encode(self, kernels: Array, noise: Array) -> Tensor:
        """(N, k, k) with uniform noise (N, k k) in [0, 1) to (N, k k) float32, logits."""
        flat = np.maximum(kernels, 0).reshape(len(kernels), -1) / self.peak + noise / LEVELS
        inner = ALPHA + (1 - 2 * ALPHA) * np.minimum(flat, 1.0)
        return torch.from_numpy(np.log(inner) - np.log1p(-inner)).float()

    def decode(self, values: Tensor) -> Tensor:
        """(N, k k) logits to (N, k, k): kernels of sum 1, less the mean of the dequantisation, so
        that cells may be as little as -1 / 1440 of the peak.
        """
        inner = (torch.sigmoid(values) - ALPHA) / (1 - 2 * ALPHA) - 0.5 / LEVELS
        kernels = inner / inner.sum(1, keepdim=True)
        return kernels.reshape(-1, self.side, self.side)

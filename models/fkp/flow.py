"""The flow: affine couplings and batch normalisations, an invertible map between logit kernels and
normal noise whose likelihood is exact (RealNVP, Dinh et al. 2017, on vectors).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.archs.layers import Linear, draw_weights
from pairmill.schemas.fkp import FkpFitConfig

MOMENTUM = 0.9
"""Of the running statistics: the share that they keep at a step."""
EPSILON = 1e-5


def hidden_width(scale: int, config: FkpFitConfig) -> int:
    """Width of the networks of a coupling, published: 15, 20, 25."""
    return config.hidden or min(5 * (scale + 1), 25)


class Coupling(nn.Module):
    """u = m x + (1 - m) (x - t(m x)) exp(-s(m x)): what the mask keeps says how the rest is scaled
    and shifted.
    """

    mask: Tensor

    def __init__(self, size: int, hidden: int, odd: bool) -> None:
        super().__init__()
        self.scales, self.shifts = _network(size, hidden, nn.Tanh), _network(size, hidden, nn.ReLU)
        mask = (torch.arange(size) % 2 == int(odd)).float()
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, d) to the same, and the logarithm of the determinant, (N,)."""
        s, t = self._parts(x)
        return self.mask * x + (1 - self.mask) * (x - t) * torch.exp(-s), -s.sum(1)

    def inverse(self, u: Tensor) -> Tensor:
        """What `forward` was given."""
        s, t = self._parts(u)
        return self.mask * u + (1 - self.mask) * (u * torch.exp(s) + t)

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept = self.mask * x
        return (1 - self.mask) * self.scales(kept), (1 - self.mask) * self.shifts(kept)


class Normalisation(nn.Module):
    """Batch normalisation as an invertible map: statistics of the batch while it is trained, the
    running ones afterwards.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.log_gain = nn.Parameter(torch.zeros(size))
        self.bias = nn.Parameter(torch.zeros(size))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, d) to the same, and the logarithm of the determinant, (N,)."""
        mean, variance = self.mean, self.variance
        if self.training:
            mean, variance = x.mean(0), x.var(0)  # unbiased
            with torch.no_grad():
                self.mean.lerp_(mean, 1 - MOMENTUM)
                self.variance.lerp_(variance, 1 - MOMENTUM)
        spread = variance + EPSILON
        u = (x - mean) * torch.rsqrt(spread) * self.log_gain.exp() + self.bias
        return u, (self.log_gain - 0.5 * spread.log()).sum().expand(len(x))

    def inverse(self, u: Tensor) -> Tensor:
        """What `forward` was given, with running statistics."""
        spread = torch.sqrt(self.variance + EPSILON)
        return (u - self.bias) * torch.exp(-self.log_gain) * spread + self.mean


class Flow(nn.Module):
    """Vectors (N, d) to noise (N, d), both ways.

    Args:
        size: d.
        couplings: pairs of a coupling and a normalisation.
        hidden: width of the networks of a coupling.
        rng: stream of the weights.
    """

    def __init__(self, size: int, couplings: int, hidden: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.size, self.hidden = size, hidden
        self.couplings = nn.ModuleList(
            Coupling(size, hidden, odd=number % 2 == 1) for number in range(couplings)
        )
        self.norms = nn.ModuleList(Normalisation(size) for _ in range(couplings))
        draw_weights(self, rng)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, d) to noise (N, d), and the logarithm of the determinant, (N,)."""
        total = x.new_zeros(len(x))
        for coupling, norm in zip(self.couplings, self.norms, strict=True):
            for part in (coupling, norm):
                x, log_det = part(x)
                total = total + log_det
        return x, total

    def inverse(self, u: Tensor) -> Tensor:
        """Noise (N, d) to vectors (N, d)."""
        for coupling, norm in zip(self.couplings[::-1], self.norms[::-1], strict=True):
            assert isinstance(coupling, Coupling)
            assert isinstance(norm, Normalisation)
            u = coupling.inverse(norm.inverse(u))
        return u

    def log_likelihood(self, x: Tensor) -> Tensor:
        """(N, d) to (N,), in nats: by change of variables, exactly (FKP, eq. 4)."""
        u, log_det = self.forward(x)
        return log_det - 0.5 * (u.square().sum(1) + self.size * math.log(2 * math.pi))


def _network(size: int, hidden: int, between: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(
        Linear(size, hidden), between(), Linear(hidden, hidden), between(), Linear(hidden, size)
    )

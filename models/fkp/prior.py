"""A fitted flow as a prior of kernels: from a code to a kernel, with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pairmill.models.fkp.flow import Flow
from pairmill.models.fkp.gaussians import Codec


@dataclass(frozen=True)
class KernelPrior:
    """A flow, and how its vectors become kernels."""

    flow: Flow
    """Fitted; with running statistics, and without gradients of its own."""
    scale: int
    """That its kernels are for."""

    @property
    def codec(self) -> Codec:
        """Kernels as vectors."""
        return Codec(self.scale)

    @property
    def radius(self) -> float:
        """Of the sphere that codes stay on (DIP-FKP, Sec. 3.3): k - 1, about where the mass of a
        normal distribution in k k dimensions is.
        """
        return float(self.codec.side - 1)

    def to(self, device: str) -> KernelPrior:
        """The same on a device; the flow moves."""
        return KernelPrior(self.flow.to(device), self.scale)

    def code(self, rng: np.random.Generator, count: int = 1) -> Tensor:
        """Random codes on the sphere, (count, k k) float32."""
        return self.on_sphere(
            torch.from_numpy(rng.standard_normal((count, self.flow.size)))
        ).float()

    def on_sphere(self, code: Tensor) -> Tensor:
        """The codes (N, k k), each of length `radius`."""
        on_it: Tensor = code * (self.radius / code.norm(dim=1, keepdim=True))
        return on_it

    def kernels(self, code: Tensor) -> Tensor:
        """Kernels of codes (N, k k): (N, k, k), sum 1, mass about `target_centre`."""
        return self.codec.decode(self.flow.inverse(code))

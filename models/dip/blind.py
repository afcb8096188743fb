"""Where the kernel of a fit comes from: it is known, a network makes it, or a flow does."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, draw_weights
from pairmill.models.fkp.prior import KernelPrior

Array = NDArray[np.float64]
INPUTS, HIDDEN = 200, 1000
"""Random numbers that Double-DIP's kernel network sees, and its width (Ren et al., CVPR 2020)."""
NETWORK_RATE = 1e-4
"""Its step size."""


class KernelSource(Protocol):
    """Makes the kernel of a step."""

    def to(self, device: str) -> None:
        """Move to a device, before the first step."""

    def kernel(self) -> Tensor:
        """(k, k), sum 1, on the HR grid, correlation."""

    def settled(self) -> None:
        """Called after each step."""

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """What Adam changes; empty if the kernel is known.

        Args:
            rate: step size of a code.
        """


class Known:
    """A kernel that stays."""

    def __init__(self, kernel: Array) -> None:
        self._kernel = torch.from_numpy(kernel).float()

    def to(self, device: str) -> None:
        """See `KernelSource`."""
        self._kernel = self._kernel.to(device)

    def kernel(self) -> Tensor:
        """See `KernelSource`."""
        return self._kernel

    def settled(self) -> None:
        """See `KernelSource`."""

    def groups(self, rate: float) -> list[dict[str, Any]]:  # noqa: ARG002
        """See `KernelSource`."""
        return []


class FromNetwork:
    """Double-DIP: noise through two layers to a softmax over all cells."""

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        self.side = side
        # Convolutions of one pixel: linear layers whose weights the project's streams draw.
        self.network = nn.Sequential(Conv(INPUTS, HIDDEN, 1), nn.ReLU6(), Conv(HIDDEN, side**2, 1))
        draw_weights(self.network, rng)
        self.noise = torch.from_numpy(rng.random((1, INPUTS, 1, 1))).float()

    def to(self, device: str) -> None:
        """See `KernelSource`."""
        self.network, self.noise = self.network.to(device), self.noise.to(device)

    def kernel(self) -> Tensor:
        """See `KernelSource`."""
        cells: Tensor = self.network(self.noise).flatten().softmax(0)
        return cells.reshape(self.side, self.side)

    def settled(self) -> None:
        """See `KernelSource`."""

    def groups(self, rate: float) -> list[dict[str, Any]]:  # noqa: ARG002
        """See `KernelSource`."""
        return [{"params": list(self.network.parameters()), "lr": NETWORK_RATE}]


class FromFlow:
    """DIP-FKP: a code on a sphere through a flow (Liang et al., CVPR 2021, Sec. 3.3)."""

    def __init__(self, prior: KernelPrior, rng: np.random.Generator) -> None:
        self.prior = prior
        self.code = prior.code(rng).requires_grad_()

    def to(self, device: str) -> None:
        """See `KernelSource`."""
        self.prior = self.prior.to(device)
        self.code = self.code.detach().to(device).requires_grad_()

    def kernel(self) -> Tensor:
        """See `KernelSource`."""
        return self.prior.kernels(self.code)[0]

    def settled(self) -> None:
        """Back to the sphere."""
        with torch.no_grad():
            self.code.copy_(self.prior.on_sphere(self.code))

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """See `KernelSource`."""
        return [{"params": [self.code], "lr": rate}]

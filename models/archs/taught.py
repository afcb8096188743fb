"""Blind networks that estimate the kernel on their way: what they find, step by step, and the loss
of their own by which they learn it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from pairmill.models.archs.aware import Degradation
from pairmill.models.archs.kernel_code import Array
from pairmill.models.archs.layers import Network


@dataclass(frozen=True)
class Estimate:
    """What a network has found after one of its steps."""

    sr: Tensor
    """(B, 3, scale h, scale w), about in [0, 1]."""
    kernel: Tensor
    """(B, K, K), sum about 1, as `Degradation.kernel`."""


class Taught(Network):
    """A network that is told nothing but the LR when it is used, and learns from the true
    degradation.
    """

    def estimates(self, lr: Tensor) -> list[Estimate]:
        """(B, 3, h, w) in [0, 1] to what is found step by step; the last is the result."""
        raise NotImplementedError

    def lesson(self, lr: Tensor, hr: Tensor, told: Degradation) -> dict[str, Tensor]:
        """What is minimised in training, in place of a recipe's losses: terms by name, whose sum
        counts.

        Args:
            lr: (B, 3, h, w) in [0, 1].
            hr: (B, 3, scale h, scale w) in [0, 1].
            told: how the LR was made.
        """
        raise NotImplementedError

    def held(self) -> Iterable[nn.Module]:
        """Parts that its lesson leaves as they are."""
        return ()

    def learn(self, kernels: Array) -> None:
        """Get to know the kernels (N, K, K) of a corpus, as `KernelAware.learn`."""

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        return self.estimates(lr)[-1].sr

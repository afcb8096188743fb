"""Networks that are told how LR was made: what they are told, and the frame that they share."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from pairmill.models.archs.layers import Network


@dataclass(frozen=True)
class Degradation:
    """What is known of how a batch of LR was made."""

    kernel: Tensor
    """(B, K, K) float, K odd, each with sum 1: correlation kernels on the HR grid, whose mass lies
    about K // 2 + (scale - 1) / 2, with LR every scale-th of their outputs from 0; so LR[i] =
    sum_u kernel[u] HR[scale i + u - K // 2] along each axis."""
    noise: Tensor
    """(B, 1, h, w) float, at the size of the LR: the noise's standard deviation, in [0, 1]."""


class KernelAware(Network):
    """A network that takes the degradation beside the LR. Without one it assumes its usual kernel
    and no noise, so that it works wherever any network does.
    """

    def usual(self, lr: Tensor) -> Degradation:
        """What is assumed of a batch (B, 3, h, w) of which nothing is known."""
        raise NotImplementedError

    def restore(self, lr: Tensor, told: Degradation) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, 3, scale h, scale w)."""
        raise NotImplementedError

    def forward(self, lr: Tensor, told: Degradation | None = None) -> Tensor:
        """See `Network`; `told` is how this LR was made."""
        return self.restore(lr, self.usual(lr) if told is None else told)

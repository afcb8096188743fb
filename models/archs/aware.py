"""Networks that are told how LR was made: what they are told, and the frame that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pairmill.models.archs.kernel_code import Array, KernelCode
from pairmill.models.archs.layers import Network
from pairmill.schemas.networks.aware import KernelAwareBase


@dataclass(frozen=True)
class Degradation:
    """What is known of how a batch of LR was made."""

    kernel: Tensor
    """(B, K, K) float, K odd, each with sum 1: correlation kernels on the HR grid, whose mass lies
    about K // 2 + (scale - 1) / 2, with LR every scale-th of their outputs from 0; so LR[i] =
    sum_u kernel[u] HR[scale i + u - K // 2] along each axis."""
    noise: Tensor
    """(B, 1, h, w) float, at the size of the LR: the noise's standard deviation, in [0, 1]."""

    def to(self, *where: Any, **how: Any) -> Degradation:
        """The same elsewhere; as `Tensor.to`."""
        return Degradation(self.kernel.to(*where, **how), self.noise.to(*where, **how))

    def cut(self, rows: slice, columns: slice) -> Degradation:
        """That of a part of the LR."""
        return Degradation(self.kernel, self.noise[:, :, rows, columns])


class KernelAware(Network):
    """A network that takes the degradation beside the LR. Without one it assumes its usual kernel
    and no noise, so that it works wherever any network does.

    Args:
        config: its settings.
        scale: HR pixels per LR pixel along each axis.
        numbers: of the code of a kernel; 0 where it takes the kernels themselves.
    """

    noise: bool = True
    """Whether it looks at the noise."""

    def __init__(self, config: KernelAwareBase, scale: int, numbers: int = 0) -> None:
        super().__init__(config, scale)
        self.code = KernelCode(numbers, config.side(scale), scale)

    def learn(self, kernels: Array) -> None:
        """Get to know the kernels (N, K, K) of a corpus, before the first step: components of the
        code, and the usual one.

        Raises:
            UserError: if they are wider than `kernel_size`.
        """
        self.code.learn(kernels)

    def usual(self, lr: Tensor) -> Degradation:
        """What is assumed of a batch (B, 3, h, w) of which nothing is known."""
        return Degradation(self.code.usual_for(lr), lr.new_zeros(len(lr), 1, *lr.shape[2:]))

    def restore(self, lr: Tensor, told: Degradation) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, 3, scale h, scale w)."""
        raise NotImplementedError

    def forward(self, lr: Tensor, told: Degradation | None = None) -> Tensor:
        """See `Network`; `told` is how this LR was made, with kernels on any odd grid.

        Raises:
            UserError: if a kernel is wider than those that the network is told.
        """
        return self.restore(lr, self.usual(lr) if told is None else told)

"""Losses on the pixels of SR and HR, (B, C, h, w) of one size in [0, 1], or on their low
frequencies.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from pairmill.models.losses.frequency import low_pass
from pairmill.schemas.losses import CharbonnierConfig, L1Config, L2Config


def _seen(
    sr: Tensor, hr: Tensor, config: L1Config | L2Config | CharbonnierConfig
) -> tuple[Tensor, Tensor]:
    return low_pass(sr, config.low_pass), low_pass(hr, config.low_pass)


class L1(nn.Module):
    """Mean absolute difference."""

    def __init__(self, config: L1Config) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Both (B, C, h, w), to a number."""
        return l1_loss(*_seen(sr, hr, self.config))


class L2(nn.Module):
    """Mean squared difference."""

    def __init__(self, config: L2Config) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Both (B, C, h, w), to a number."""
        return mse_loss(*_seen(sr, hr, self.config))


class Charbonnier(nn.Module):
    """Mean of sqrt(d^2 + epsilon^2)."""

    def __init__(self, config: CharbonnierConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Both (B, C, h, w), to a number; epsilon for equal images."""
        sr, hr = _seen(sr, hr, self.config)
        # In float32: epsilon^2 would be 0 in half precision, and the slope at 0 infinite.
        return ((sr - hr).float().square() + self.config.epsilon**2).sqrt().mean()


PIXEL = (L1, L2, Charbonnier)
"""Those that a pyramid is trained by at every level."""

"""Losses on the pixels of SR and HR, (B, C, h, w) of one size in [0, 1]."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from pairmill.schemas.losses import CharbonnierConfig, L1Config, L2Config


class L1(nn.Module):
    """Mean absolute difference."""

    def __init__(self, config: L1Config) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Both (B, C, h, w), to a number."""
        return l1_loss(sr, hr)


class L2(nn.Module):
    """Mean squared difference."""

    def __init__(self, config: L2Config) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Both (B, C, h, w), to a number."""
        return mse_loss(sr, hr)


class Charbonnier(nn.Module):
    """Mean of sqrt(d^2 + epsilon^2)."""

    def __init__(self, config: CharbonnierConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Both (B, C, h, w), to a number; epsilon for equal images."""
        # In float32: epsilon^2 would be 0 in half precision, and the slope at 0 infinite.
        return ((sr - hr).float().square() + self.config.epsilon**2).sqrt().mean()


PIXEL = (L1, L2, Charbonnier)
"""Those that a pyramid is trained by at every level."""

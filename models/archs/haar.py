"""The Haar wavelet transform of images and features, and its inverse."""

from __future__ import annotations

import torch
from torch import Tensor


def haar(x: Tensor) -> Tensor:
    """One level of the orthonormal Haar transform: the energy stays, half the size, four bands.

    Of each 2 x 2 block with a b above c d: LL (a + b + c + d) / 2, HL (-a + b - c + d) / 2, LH
    (-a - b + c + d) / 2 and HH (a - b - c + d) / 2. Source: MWCNN (Liu et al. 2018), section 3.1.

    Args:
        x: (B, C, H, W) with even sides.

    Returns:
        (B, 4 C, H / 2, W / 2): all channels of LL, then of HL, of LH and of HH.
    """
    above, below = x[:, :, 0::2] / 2, x[:, :, 1::2] / 2
    low, high = above + below, below - above
    return torch.cat([*_columns(low), *_columns(high)], 1)


def _columns(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sums and differences of neighbouring columns."""
    left, right = x[..., 0::2], x[..., 1::2]
    return left + right, right - left


def unhaar(bands: Tensor) -> Tensor:
    """The inverse of `haar`: (B, 4 C, h, w) to (B, C, 2 h, 2 w)."""
    ll, hl, lh, hh = (bands / 2).chunk(4, 1)
    low, high = _interleaved(ll - hl, ll + hl, 3), _interleaved(lh - hh, lh + hh, 3)
    return _interleaved(low - high, low + high, 2)


def _interleaved(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """Rows (axis 2) or columns (3) of two images by turns."""
    return torch.stack([even, odd], axis + 1).flatten(axis, axis + 1)

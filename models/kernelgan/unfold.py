"""Overlapping windows of maps and their adjoint, the two halves of every convolution here."""

from __future__ import annotations

from torch import Tensor


def windows(maps: Tensor, side: int) -> Tensor:
    """All square windows of (T, A, B, H, W): a view (T, A, p, q, B, side, side), p = H - side + 1,
    q = W - side + 1.
    """
    return maps.unfold(3, side, 1).unfold(4, side, 1).permute(0, 1, 3, 4, 2, 5, 6)


def overlap_add(parts: Tensor) -> Tensor:
    """The adjoint of `windows`: (T, A, p, q, B, h, w) -> (T, A, B, h + p - 1, w + q - 1).

    Part (i, j) is added with its first cell at (i, j); rows, then columns: p + q additions instead
    of p q.
    """
    lanes, outer, down, across, inner, height, width = parts.shape
    lines = parts.new_zeros((lanes, outer, across, inner, height + down - 1, width))
    for row in range(down):
        lines[..., row : row + height, :] += parts[:, :, row]
    maps = parts.new_zeros((lanes, outer, inner, height + down - 1, width + across - 1))
    for column in range(across):
        maps[..., column : column + width] += lines[:, :, column]
    return maps

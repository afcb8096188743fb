"""JPEG by tensor functions, as Real-ESRGAN uses it in training: no entropy coding, no rounding of
pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.functional.jpeg import CHROMA, LUMA

TO_YCC = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)
DCT = torch.tensor(
    [
        [
            math.sqrt((1 if row == 0 else 2) / 8) * math.cos((2 * column + 1) * row * math.pi / 16)
            for column in range(8)
        ]
        for row in range(8)
    ]
)


def jpeg(batch: Tensor, qualities: NDArray[np.float64]) -> Tensor:
    """A batch (B, 3, H, W) in [0, 1] with the losses of JPEG 4:2:0, each of its quality (B,)."""
    height, width = batch.shape[2:]
    padded = torch.nn.functional.pad(batch * 255, (0, -width % 16, 0, -height % 16))
    ycc = torch.einsum("ij,bjhw->bihw", TO_YCC, padded)
    factors = torch.from_numpy(np.where(qualities < 50, 50 / qualities, 2 - qualities / 50)).float()
    luma = coded(ycc[:, :1] - 128, LUMA, factors) + 128
    small = torch.nn.functional.avg_pool2d(ycc[:, 1:], 2)
    chroma = coded(small, CHROMA, factors).repeat_interleave(2, 2).repeat_interleave(2, 3)
    back = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(TO_YCC), torch.cat([luma, chroma], 1))
    return (back[..., :height, :width] / 255).clamp(0, 1)


def coded(planes: Tensor, table: Sequence[int], factors: Tensor) -> Tensor:
    """Planes (B, C, H, W) whose blocks' coefficients are rounded to a table of 64 steps, in natural
    order, times a factor each.
    """
    count, channels, height, width = planes.shape
    blocks = planes.reshape(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = torch.tensor(table).float().reshape(8, 8) * factors.view(-1, 1, 1, 1, 1, 1)
    coefficients = (DCT @ blocks @ DCT.T / steps).round() * steps
    return (DCT.T @ coefficients @ DCT).transpose(3, 4).reshape(planes.shape)

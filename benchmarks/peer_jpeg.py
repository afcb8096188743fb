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

LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Table K.1 of ITU-T T.81."""
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)
"""Table K.2."""
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


def coded(planes: Tensor, table: Sequence[Sequence[int]], factors: Tensor) -> Tensor:
    """Planes (B, C, H, W) whose blocks' coefficients are rounded to a table times a factor each."""
    count, channels, height, width = planes.shape
    blocks = planes.reshape(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = torch.tensor(table).float() * factors.view(-1, 1, 1, 1, 1, 1)
    coefficients = (DCT @ blocks @ DCT.T / steps).round() * steps
    return (DCT.T @ coefficients @ DCT).transpose(3, 4).reshape(planes.shape)

"""The cycle loss: SR, downscaled again as MATLAB's `imresize` would, against its LR.

SR is neither rounded nor clipped before: the loss is linear in it, and its gradient reaches every
pixel.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.functional.resize import taps
from pairmill.models.losses.distances import DISTANCES
from pairmill.schemas.losses import CycleConfig


class Cycle(nn.Module):
    """Distance of LR and the LR that SR would give by MATLAB's bicubic."""

    def __init__(self, config: CycleConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, lr: Tensor) -> Tensor:
        """(B, C, s h, s w) and (B, C, h, w), both in [0, 1], to a number."""
        return DISTANCES[self.config.distance](reduced(sr, lr.shape[2], lr.shape[3]), lr.float())


def reduced(image: Tensor, height: int, width: int) -> Tensor:
    """Downscale (B, C, H, W) to (B, C, height, width) float32 (float64 stays), antialiased, a =
    -0.5, borders mirrored: what `pairmill.models.functional.resize` does to arrays, with a
    gradient.

    Raises:
        ValueError: if H is not the same whole multiple of height as W of width.
    """
    scale = image.shape[2] // height
    if scale < 1 or image.shape[2:] != (scale * height, scale * width):
        raise ValueError(
            f"SR of {tuple(image.shape[2:])} is no whole multiple of LR of ({height}, {width})"
        )
    if image.dtype != torch.float64:
        image = image.float()
    with torch.autocast(image.device.type, enabled=False):
        rows, columns = (
            torch.from_numpy(_matrix(*sides)).to(image)
            for sides in ((image.shape[2], height), (image.shape[3], width))
        )
        return rows @ image @ columns.T


@lru_cache(maxsize=32)
def _matrix(inputs: int, outputs: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(outputs, inputs): weights of every input, those beyond the ends added to the ones they
    mirror.
    """
    positions, weights = taps(inputs, outputs, "matlab_bicubic")
    within = positions % (2 * inputs)
    within = np.where(within < inputs, within, 2 * inputs - 1 - within)
    matrix = np.zeros((outputs, inputs))
    np.add.at(matrix, (np.arange(outputs)[:, None], within), weights)
    return matrix

"""Total variation: how much an image's neighbours differ."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from pairmill.schemas.losses import TvConfig


class TotalVariation(nn.Module):
    """Of SR alone; HR is taken so that the call is that of the other losses."""

    def __init__(self, config: TvConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, sr: Tensor, _hr: Tensor | None = None) -> Tensor:
        """(B, C, h, w), sides at least 2, to a number; 0 for a flat image, where the gradient is
        0 too.

        `anisotropic` is mean |dx| + mean |dy|, each over the pairs there are; `isotropic` the sum
        of sqrt(dx^2 + dy^2) over h w C, with differences of 0 past the last row and column.
        """
        down, right = sr.diff(dim=2), sr.diff(dim=3)
        if self.config.form == "anisotropic":
            return down.abs().mean() + right.abs().mean()
        both = torch.stack([pad(down, (0, 0, 0, 1)), pad(right, (0, 1))])
        lengths: Tensor = torch.linalg.vector_norm(both.float(), dim=0)
        return lengths.mean()

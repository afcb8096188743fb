"""The network of ZSSR, at the size of the LR image: a linear filter, and convolutions that add to
it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad, pixel_shuffle, pixel_unshuffle

from pairmill.models.archs.layers import Conv, draw_weights

Array = NDArray[np.float64]


class ZssrNetwork(nn.Module):
    """(B, 3, h, w) in [0, 1] to (B, 3, scale h, scale w).

    Published ZSSR upscales first and convolves at the larger size, at scale ** 2 times the cost and
    with a receptive field that is `scale` times smaller.
    """

    start: Tensor
    gain: Tensor
    detail: Tensor

    def __init__(
        self, scale: int, features: int, layers: int, start: Array, rng: np.random.Generator
    ) -> None:
        """Initial weights; the last layer adds nothing yet.

        Args:
            scale: factor.
            features: channels between convolutions.
            layers: convolutions of 3 x 3.
            start: (scale ** 2, n, n), see `pairmill.models.zssr.start`.
            rng: for the initial weights.
        """
        super().__init__()
        self.scale = scale
        parts = list[nn.Module]()
        for number in range(layers - 1):
            inputs = features if number else 3 * (1 + scale**2)
            parts += [Conv(inputs, features, start="he"), nn.ReLU()]
        last = Conv(features, 3 * scale**2, start="he")
        self.body = nn.Sequential(*parts, last)
        self.register_buffer("start", torch.from_numpy(start).float()[:, None])
        self.register_buffer("gain", torch.ones(()))
        self.register_buffer("detail", torch.ones(()))
        draw_weights(self, rng)
        nn.init.zeros_(last.weight)

    @property
    def reach(self) -> int:
        """LR pixels on each side that an output pixel depends on."""
        return self.start.shape[-1] // 2 + (len(self.body) + 1) // 2

    def filtered(self, lr: Tensor) -> Tensor:
        """What the linear filter makes of LR; beyond its borders the edge sample continues."""
        planes = lr.flatten(0, 1)[:, None]
        reach = self.start.shape[-1] // 2
        around = pad(planes, (reach,) * 4, "replicate")
        return pixel_shuffle(conv2d(around, self.start), self.scale).view(
            *lr.shape[:2], lr.shape[2] * self.scale, lr.shape[3] * self.scale
        )

    def details(self, lr: Tensor, filtered: Tensor) -> Tensor:
        """What the linear filter makes finer than LR, by places in the block of an LR pixel."""
        coarse = interpolate(lr, scale_factor=float(self.scale), mode="nearest")
        return pixel_unshuffle(filtered - coarse, self.scale)

    def added(self, lr: Tensor, filtered: Tensor) -> Tensor:
        """What the convolutions add to what the linear filter makes of LR.

        They see both: of LR alone, whose contrast is a hundred times that of what is missing, they
        would learn for hundreds of steps what is fine in it.
        """
        seen = torch.cat([lr - 0.5, self.details(lr, filtered) / self.detail], 1)
        return self.gain * pixel_shuffle(self.body(seen), self.scale)

    def forward(self, lr: Tensor) -> Tensor:
        """The upscaled image."""
        filtered = self.filtered(lr)
        return filtered + self.added(lr, filtered)

"""U-Net with spectral norm: one judgement per pixel, with the names of Real-ESRGAN's checkpoints (4
376 897 parameters).
"""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from pairmill.models.discriminators.layers import SLOPE, SpectralConv, conv, draw_weights
from pairmill.schemas.discriminator import UnetConfig


class Unet(nn.Module):
    """Three halvings, and back up by bilinear interpolation."""

    def __init__(self, config: UnetConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        width = config.features
        self.conv0 = conv(3, width, 3, 1)
        self.conv1, self.conv2, self.conv3 = (
            SpectralConv(n * width, 2 * n * width, 4, 2, bias=False) for n in (1, 2, 4)
        )
        self.conv4, self.conv5, self.conv6 = (
            SpectralConv(2 * n * width, n * width, 3, 1, bias=False) for n in (4, 2, 1)
        )
        self.conv7, self.conv8 = (SpectralConv(width, width, 3, 1, bias=False) for _ in range(2))
        self.conv9 = conv(width, 1, 3, 1)
        draw_weights(self, rng)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1], sides multiples of 8, to (B, 1, h, w): the more, the more real.

        Raises:
            ValueError: if a side is no multiple of 8.
        """
        for side in image.shape[2:]:
            problem = self.config.problem(side)
            if problem is not None:
                raise ValueError(problem)
        seen = [leaky_relu(self.conv0(image), SLOPE)]
        for down in (self.conv1, self.conv2, self.conv3):
            seen.append(leaky_relu(down(seen[-1]), SLOPE))
        found = seen.pop()
        for up in (self.conv4, self.conv5, self.conv6):
            found = leaky_relu(
                up(interpolate(found, scale_factor=2, mode="bilinear", align_corners=False)), SLOPE
            )
            beside = seen.pop()
            found = found + beside if self.config.skip else found
        for last in (self.conv7, self.conv8):
            found = leaky_relu(last(found), SLOPE)
        judged: Tensor = self.conv9(found)
        return judged

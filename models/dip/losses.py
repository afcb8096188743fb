"""What is compared: the LR that an HR image and a kernel make, by SSIM or squared differences."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from pairmill.models.metrics.ssim import C1, C2, WINDOW

RANGE = 255


def mirrored(x: Tensor, before: int, after: int) -> Tensor:
    """(B, C, h, w) continued on both axes by mirroring, the edge sample repeated, as the ops of the
    project do; no more than the sides.
    """
    for axis in (2, 3):
        length = x.shape[axis]
        place = torch.arange(-before, length + after, device=x.device) % (2 * length)
        x = x.index_select(axis, torch.minimum(place, 2 * length - 1 - place))
    return x


def reduced(hr: Tensor, kernel: Tensor, scale: int) -> Tensor:
    """LR[i] = sum_u k[u] HR[s i + u - k // 2]: (B, C, s h, s w) and (k, k) to (B, C, h, w)."""
    batch, channels, height, width = hr.shape
    half = len(kernel) // 2
    planes = mirrored(hr, half, half).reshape(batch * channels, 1, height + 2 * half, -1)
    found = conv2d(planes, kernel[None, None], stride=scale)
    return found.reshape(batch, channels, height // scale, width // scale)


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """Mean SSIM of (B, C, h, w) in [0, 1], each channel by itself, where the window of 11 x 11 lies
    inside (Wang et al. 2004); with gradients.
    """
    window = torch.from_numpy(WINDOW).to(a)
    filters = (window @ window.T)[None, None]
    one, other = (x.reshape(-1, 1, *x.shape[2:]) * RANGE for x in (a, b))
    mean_a, mean_b, squares, products = (
        conv2d(x, filters) for x in (one, other, one * one + other * other, one * other)
    )
    means, product = mean_a**2 + mean_b**2, mean_a * mean_b
    variances, covariance = squares - means, products - product
    index = (2 * product + C1) * (2 * covariance + C2) / ((means + C1) * (variances + C2))
    return index.mean()

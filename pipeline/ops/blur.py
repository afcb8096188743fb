"""Blur with kernels that are written out in the program, and sharpening."""

from __future__ import annotations

import numpy as np

from pairmill.models.functional.blur import Border, blur, blur_mask
from pairmill.models.functional.kernel_shapes import weights
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.schemas.ops.blur import Blur, GaussianKernel, UnsharpMask

STRIP = 1 << 15
"""Samples that are worked on at a time, so that they stay in the cache."""


def blur_subsample(op: Blur, scale: int, image: Image, _assets: Assets) -> Image:
    """Blur, and give only the pixels that subsampling by `scale` keeps."""
    return blur(image, weights(op.kernel), op.border, scale)


def _blur(op: Blur, image: Image, assets: Assets) -> Image:
    return blur_subsample(op, 1, image, assets)


def _unsharp_mask(op: UnsharpMask, image: Image, _assets: Assets) -> Image:
    """Real-ESRGAN's sharpening: a hard mask of what differs enough, softened by the same
    Gaussian.
    """
    border: Border = "reflect"
    kernel = weights(GaussianKernel(size=op.size, sigma_x=op.sigma, sigma_y=op.sigma))
    residual, mask = blur(image, kernel, border), np.empty(image.shape, np.uint8)
    samples, differs, apart = image.reshape(-1), mask.reshape(-1), residual.reshape(-1)
    for start in range(0, image.size, STRIP):
        here = slice(start, start + STRIP)
        np.subtract(samples[here], apart[here], out=apart[here])
        differs[here] = np.abs(apart[here]) > op.threshold
    softened = blur_mask(mask, kernel, border)
    soft = softened.reshape(-1)
    for start in range(0, image.size, STRIP):
        here = slice(start, start + STRIP)
        before, sharp = samples[here].astype(np.float64), apart[here]
        sharp *= op.weight
        sharp += before
        np.clip(sharp, 0, 255, out=sharp)
        sharp -= before
        sharp *= soft[here]
        np.add(before, sharp, out=soft[here])
    return softened


BLUR: dict[type, Apply] = {Blur: _blur, UnsharpMask: _unsharp_mask}

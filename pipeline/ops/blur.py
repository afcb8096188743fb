"""Blur with kernels that are written out in the program, and sharpening."""

from __future__ import annotations

import numpy as np

from pairmill.models.functional.blur import Border, blur
from pairmill.models.functional.kernel_shapes import weights
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.schemas.ops.blur import Blur, GaussianKernel, UnsharpMask


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
    samples = np.asarray(image, np.float64)
    kernel = weights(GaussianKernel(size=op.size, sigma_x=op.sigma, sigma_y=op.sigma))
    residual = samples - blur(image, kernel, border)
    mask = (np.abs(residual) > op.threshold).astype(np.uint8)
    sharp = np.clip(samples + op.weight * residual, 0, 255)
    return np.asarray(samples + blur(mask, kernel, border) * (sharp - samples))


BLUR: dict[type, Apply] = {Blur: _blur, UnsharpMask: _unsharp_mask}

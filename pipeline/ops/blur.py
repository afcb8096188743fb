"""Blur with kernels that are written out in the program, and sharpening."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.blur import blur
from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.transforms import Border, plane_by_fft
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
    kernel = weights(GaussianKernel(size=op.size, sigma_x=op.sigma, sigma_y=op.sigma))
    # Plane by plane, for so do transforms: nothing is interleaved between the two.
    planes = [_sharpened(plane, op, kernel) for plane in cv2.split(image)]
    return np.asarray(cv2.merge(planes)).reshape(image.shape)


def _sharpened(plane: Image, op: UnsharpMask, kernel: NDArray[np.float64]) -> Image:
    border: Border = "reflect"
    before = plane.astype(np.float64)
    sharp = plane_by_fft(plane, kernel, border)
    np.subtract(before, sharp, out=sharp)
    mask = np.abs(sharp) > op.threshold
    if not mask.any():
        return before
    soft = plane_by_fft(mask.view(np.uint8), kernel, border, sample="f4")
    sharp *= op.weight
    sharp += before
    np.clip(sharp, 0, 255, out=sharp)
    sharp -= before
    sharp *= soft
    sharp += before
    return sharp


BLUR: dict[type, Apply] = {Blur: _blur, UnsharpMask: _unsharp_mask}

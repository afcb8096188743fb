"""BSRGAN's chain in numpy, OpenCV and SciPy, as its published Python does it in outline.

Written anew from what is known of the chain (order, ranges, formulas), for a comparison of speed:
float32 images of one photograph at a time, random numbers as they come. Nothing is recorded. The
camera noise of the published chain is left out there as well unless a model of a camera is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float32]
Blur = Callable[[Image, NDArray[np.float64]], Image]
INTERPOLATIONS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)


def by_scipy(image: Image, kernel: NDArray[np.float64]) -> Image:
    """Convolution as the published script calls it: three dimensions, the last one of length 1."""
    blurred: Image = ndimage.convolve(image, kernel[..., None].astype(np.float32), mode="mirror")
    return blurred


def by_opencv(image: Image, kernel: NDArray[np.float64]) -> Image:
    """The same by OpenCV, which is many times faster."""
    blurred = cv2.filter2D(image, -1, kernel[::-1, ::-1], borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.float32)


def bsrgan(
    hr: NDArray[np.uint8], rng: np.random.Generator, scale: int = 4, blur: Blur = by_opencv
) -> NDArray[np.uint8]:
    """The LR of an HR tile.

    Args:
        hr: (H, W, 3) sRGB, sides multiples of `scale`.
        rng: Where all draws come from.
        scale: HR side over LR side.
        blur: How kernels are convolved.

    Returns:
        (H / scale, W / scale, 3), as its last JPEG decodes.
    """
    image = unit(hr)
    if scale == 4 and rng.random() < 0.25:
        image, scale = resized(image, 0.5, rng), 2
    height, width = image.shape[0] // scale, image.shape[1] // scale
    steps = list(rng.permutation(6))  # two blurs, two steps of downscaling, noise, JPEG
    first, last = sorted((steps.index(2), steps.index(3)))
    steps[first], steps[last] = 2, 3
    for step in steps:
        if step < 2:
            image = blur(image, blur_kernel(rng, scale))
        elif step == 2:
            image = reduced(image, rng, scale, blur)
        elif step == 3:
            image = to_size(image, width, height, rng)
        elif step == 4:
            image = noisy(image, rng)
        elif rng.random() < 0.9:
            image = unit(jpeg(image, rng))
    return jpeg(image, rng)


def unit(pixels: NDArray[np.uint8]) -> Image:
    """Levels as float32 in [0, 1]."""
    image = pixels.astype(np.float32)
    image /= 255
    return image


def blur_kernel(rng: np.random.Generator, scale: int) -> NDArray[np.float64]:
    """A Gaussian of 7 to 25 pixels, round or not with equal chances."""
    size = 2 * int(rng.integers(2, 12)) + 3
    if rng.random() < 0.5:
        variances, angle = rng.uniform(1e-4, 4 + scale, 2), rng.uniform(0, math.pi)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return gaussian(size, turn @ np.diag(variances) @ turn.T)
    return gaussian(size, np.eye(2) * max(rng.uniform(0, 2 + 0.2 * scale), 0.01) ** 2)


def gaussian(size: int, covariance: NDArray[np.float64], shift: float = 0) -> NDArray[np.float64]:
    """A normalised Gaussian, its mean moved by `shift` pixels to the upper left."""
    axis = np.arange(size) - (size - 1) / 2 + shift
    places = np.stack(np.meshgrid(axis, axis), -1)
    power = np.einsum("yxi,ij,yxj->yx", places, np.linalg.inv(covariance), places)
    kernel = np.exp(-power / 2)
    kernel[kernel < np.finfo(np.float64).eps * kernel.max()] = 0
    return np.asarray(kernel / kernel.sum())


def reduced(image: Image, rng: np.random.Generator, scale: int, blur: Blur) -> Image:
    """A resize by any factor, or a blur of which every `scale`-th pixel is taken."""
    if rng.random() < 0.75:
        return resized(image, 1 / rng.uniform(1, 2 * scale), rng)
    sigma = rng.uniform(0.1, 0.6 * scale)
    kernel = gaussian(25, np.eye(2) * sigma**2, (scale - 1) / 2)
    return np.clip(blur(image, kernel)[::scale, ::scale], 0, 1)


def resized(image: Image, factor: float, rng: np.random.Generator) -> Image:
    """A resize by a factor."""
    return to_size(image, int(factor * image.shape[1]), int(factor * image.shape[0]), rng)


def to_size(image: Image, width: int, height: int, rng: np.random.Generator) -> Image:
    """A resize to a size, by one of three interpolations."""
    interpolation = INTERPOLATIONS[rng.integers(3)]
    small = np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.float32)
    return small.clip(0, 1)


def noisy(image: Image, rng: np.random.Generator) -> Image:
    """Gaussian noise of level 2 to 25: by channel, grey, or correlated between channels."""
    level, kind = int(rng.integers(2, 26)) / 255, rng.random()
    shape: tuple[int, ...] = image.shape
    noise: NDArray[Any]
    if kind < 0.4:
        noise = rng.normal(0, level, shape)
    elif kind < 0.8:
        noise = rng.normal(0, level, (*shape[:2], 1))
    else:
        basis = np.linalg.qr(rng.random((3, 3)))[0]
        covariance = np.abs((25 / 255) ** 2 * basis.T @ np.diag(rng.random(3)) @ basis)
        noise = rng.multivariate_normal([0, 0, 0], covariance, shape[:2], check_valid="ignore")
    return np.clip(image + noise, 0, 1).astype(np.float32)


def jpeg(image: Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    """JPEG of quality 30 to 95, there and back."""
    pixels = np.uint8((image.clip(0, 1) * 255).round())
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))]
    coded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), quality)[1]
    decoded = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return np.asarray(decoded, np.uint8)

"""Where KernelGAN's crops come from: gradient maps, crop corners and noise, all drawn up front from
Philox streams.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pairmill.models.functional.chroma import grey
from pairmill.models.functional.resize import bicubic_down
from pairmill.models.kernelgan.generator import output_size
from pairmill.schemas.kernel import KernelGanConfig, KernelReason

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

WINDOW = 5
PERCENTILE = 0.97
NOISE_FIELDS = 32
"""Noise fields per lane, used in turn; a field meets another crop each time."""


@dataclass(frozen=True)
class CentreWeights:
    """Probability of every pixel as the centre of a crop."""

    cumulative: Array
    """(height * width,), ascending to 1."""
    height: int
    """Of the image, in pixels."""
    width: int
    """Of the image, in pixels."""


@dataclass(frozen=True)
class Draws:
    """Everything random about one lane's crops."""

    generator: NDArray[np.int64]
    """(iterations, 2): top row and left column of the generator's crops, both even."""
    discriminator: NDArray[np.int64]
    """(iterations, 2): the same for the discriminator's crops."""
    noise: NDArray[np.float32]
    """(NOISE_FIELDS, 2, 3, m, m): standard normal, for the fake and the real crop."""


def lane_stream(seed: int, restart: int) -> np.random.Generator:
    """The stream of one restart of one image: Philox seeded by both numbers."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(restart,))))


def centre_window(image: Image, side: int) -> Image:
    """The centred part of (H, W, 3), at most `side` x `side`, with even sides."""
    height, width = (min(length, side) // 2 * 2 for length in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def check_image(image: Image, config: KernelGanConfig) -> KernelReason | None:
    """Why no kernel can be estimated from this image; none if it can.

    Args:
        image: (H, W, 3) uint8 RGB.
        config: `min_side` in pixels and `min_contrast` in intensity levels decide.

    Raises:
        ValueError: if the array is not (H, W, 3) uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"expected an (H, W, 3) uint8 image, got {image.shape} {image.dtype}")
    side = max(config.min_side, config.crop)
    return refusal_of(image, side, config.min_contrast, config.window)


def refusal_of(
    image: Image, min_side: int, min_contrast: float, window: int
) -> KernelReason | None:
    """Why an image (H, W, 3) shows no kernel, by its sides, in pixels, and the standard deviation
    of its window, in intensity levels; none if it may.
    """
    if min(image.shape[:2]) < min_side:
        return KernelReason.TOO_SMALL
    if float(grey(centre_window(image, window)).std()) < min_contrast:
        return KernelReason.TOO_FLAT
    return None


def draw(
    config: KernelGanConfig, rng: np.random.Generator, maps: tuple[CentreWeights, CentreWeights]
) -> Draws:
    """All crops of one restart, with replacement, in proportion to the gradients around them.

    Args:
        config: number of iterations and crop size.
        rng: the lane's stream.
        maps: of `centre_weights`, shared by the restarts.
    """
    real = output_size(config.crop)
    generator = _corners(rng, maps[0], config.iterations, config.crop)
    discriminator = _corners(rng, maps[1], config.iterations, real)
    noise = rng.standard_normal((NOISE_FIELDS, 2, 3, real, real), dtype=np.float32)
    return Draws(generator, discriminator, noise)


def centre_weights(image: Image, crop: int) -> tuple[CentreWeights, CentreWeights]:
    """Where the crops of generator and discriminator are centred.

    The generator's crops follow the gradients of the image halved, so that what it shrinks is sharp
    at the scale of its output (KernelGAN, Sec. 4).

    Args:
        image: (H, W, 3) uint8, sides even.
        crop: side of the generator's crops in pixels.
    """
    halved = bicubic_down(image, 2)
    coarse = np.repeat(np.repeat(gradient_map(halved), 2, axis=0), 2, axis=1)
    return _cumulative(coarse, crop), _cumulative(gradient_map(image), output_size(crop))


def half_size(image: Image) -> Array:
    """(H, W, 3) uint8 with even sides -> (3, H / 2, W / 2) downscaled bicubically, mapped from [0,
    255] to [-1, 1].
    """
    return np.ascontiguousarray((bicubic_down(image, 2) * (2 / 255) - 1).transpose(2, 0, 1))


def gradient_map(image: NDArray[np.generic]) -> Array:
    """How much each pixel of (H, W, 3) stands out: (H, W) float64 of mean 1, or all 0 where nothing
    does.

    The sum of |d/drow|, |d/dcolumn| and the gradient's length, each clipped to its top 3 % and of
    sum 1, averaged over 5x5 pixels.
    """
    rows, columns = np.gradient(grey(image))
    total = np.zeros(rows.shape)
    for part in (np.abs(rows), np.abs(columns), np.hypot(rows, columns)):
        clipped = _clip_extremes(_zero_border(part, WINDOW))
        total += clipped / max(clipped.sum(), np.finfo(np.float64).tiny)
    smooth = uniform_filter(total, WINDOW, mode="constant")
    mean = smooth.mean()
    return np.asarray(smooth / mean if mean > 0 else smooth)


def _clip_extremes(values: Array) -> Array:
    """Values between the 97th percentile and the next larger value, minus the former: nearly a mask
    of the top 3 %.
    """
    flat = values.ravel()
    rank = int(PERCENTILE * flat.size)
    low = np.partition(flat, rank)[rank]
    above = flat[flat > low]
    high = above.min() if above.size else low + 1e-5
    return np.asarray(np.clip(values, low, high) - low)


def _zero_border(values: Array, border: int) -> Array:
    inside = np.zeros_like(values)
    core = (slice(border, -border), slice(border, -border))
    inside[core] = values[core]
    return inside


def _cumulative(importance: Array, crop: int) -> CentreWeights:
    density = _zero_border(uniform_filter(importance, crop // 2, mode="constant"), crop // 2)
    density = np.maximum(density, 0.0).ravel()  # the running sums of the filter may end at -1e-17
    if density.sum() <= 0:
        density = np.ones_like(density)
    cumulative = np.cumsum(density)
    return CentreWeights(cumulative / cumulative[-1], *importance.shape)


def _corners(
    rng: np.random.Generator, weights: CentreWeights, count: int, crop: int
) -> NDArray[np.int64]:
    index = np.searchsorted(weights.cumulative, rng.random(count), side="right")
    centre = np.stack(np.divmod(index, weights.width), axis=1)
    highest = np.array([weights.height - crop, weights.width - crop])
    corner = np.clip(centre - crop // 2, 0, highest)
    # Even: the same crop begins at a whole pixel of the half-size image.
    return np.asarray(corner - corner % 2, np.int64)

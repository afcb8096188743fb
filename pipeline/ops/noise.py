"""Noise that is drawn from the op's own stream.

Images go through in strips of pixels that stay in the cache; a strip takes the next words of the
stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional import noise as fields
from pairmill.models.functional.poisson import (
    luminance,
    peak_of_levels,
    poisson_counts,
    poisson_law,
)
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.pipeline.rng import raw_words
from pairmill.schemas.ops.noise import (
    BlockNoise,
    GaussianNoise,
    PoissonNoise,
    ShotReadNoise,
    SpeckleNoise,
)

STRIP = 4096
"""Pixels of a strip; a multiple of 4, so that a strip ends where a word ends."""

Pixels = NDArray[Any]
Words = NDArray[np.uint64]
Noisy = Callable[[Pixels, Words, slice, Pixels], object]
"""Gets pixels (n, 3), the words for them, where they lie among all pixels, and what it fills,
(n, 3)."""


def _by_strips(image: Image, words: Words, per_pixel: int, noisy: Noisy) -> Image:
    """`noisy` of all pixels, strip by strip."""
    pixels, out = image.reshape(-1, 3), np.empty(image.shape)
    whole, step = out.reshape(-1, 3), STRIP * per_pixel // 4
    for number, start in enumerate(range(0, len(pixels), STRIP)):
        here = slice(start, start + STRIP)
        noisy(pixels[here], words[number * step : (number + 1) * step], here, whole[here])
    return out


def _for_channels(noise: Pixels) -> Pixels:
    """(n, 3): what is the same in all channels is laid out for each, since numpy repeats slowly."""
    if noise.shape[1] == 3:
        return noise
    return np.asarray(cv2.merge([noise] * 3)).reshape(-1, 3)


def _normal(
    op: GaussianNoise | SpeckleNoise,
    image: Image,
    noisy: Callable[[Pixels, Pixels, Pixels], object],
) -> Image:
    per_pixel = fields.samples_per_pixel(op.mode)
    if op.covariance is None:
        root = None
    else:
        root = fields.covariance_root(op.covariance)

    def strip(pixels: Pixels, words: Words, _here: slice, out: Pixels) -> None:
        noise = fields.normal_field(words, len(pixels), op.mode, op.sigma, root)
        noisy(pixels, _for_channels(noise), out)

    return _by_strips(
        image, raw_words(op.key, fields.words_for(image.size // 3 * per_pixel)), per_pixel, strip
    )


def _gaussian(op: GaussianNoise, image: Image, _assets: Assets) -> Image:
    """I + n."""
    return _normal(op, image, lambda pixels, noise, out: np.add(pixels, noise, out=out))


def _speckle(op: SpeckleNoise, image: Image, _assets: Assets) -> Image:
    """I + I n."""
    return _normal(
        op,
        image,
        lambda pixels, noise, out: np.add(pixels, np.multiply(pixels, noise, out=noise), out=out),
    )


def _poisson(op: PoissonNoise, image: Image, _assets: Assets) -> Image:
    """I + strength (counts 255 / peak - L), where L is I in 8 bits, or the luminance of that."""
    seen = _in_8_bits(image, op.grey)
    if op.peak == "levels":
        peak = float(peak_of_levels(seen))
    else:
        peak = op.peak
    law, unit = poisson_law(peak), 255 / peak

    def strip(pixels: Pixels, words: Words, here: slice, out: Pixels) -> None:
        noise = poisson_counts(law, words, seen[here])
        noise *= unit
        noise -= seen[here].astype(np.float64)
        noise *= op.strength
        np.add(pixels, _for_channels(noise), out=out)

    return _by_strips(image, raw_words(op.key, fields.words_for(seen.size)), seen.shape[1], strip)


def _in_8_bits(image: Image, grey: bool) -> NDArray[np.uint8]:
    """What a sensor of 256 levels sees: (pixels, 3), or (pixels, 1) of luminance."""
    pixels, seen = image.reshape(-1, 3), np.empty((image.size // 3, 1 if grey else 3), np.uint8)
    for start in range(0, len(pixels), STRIP):
        here = slice(start, start + STRIP)
        levels = to_uint8(np.asarray(pixels[here], np.float64))
        seen[here] = luminance(levels) if grey else levels
    return seen


def _shot_read(op: ShotReadNoise, image: Image, _assets: Assets) -> Image:
    """I + sqrt(shot max(I, 0) + read^2) n."""

    def strip(pixels: Pixels, words: Words, _here: slice, out: Pixels) -> None:
        noise = np.sqrt(np.maximum(pixels, 0.0) * op.shot + op.read * op.read)
        noise *= fields.normals(words, pixels.shape)
        np.add(pixels, noise, out=out)

    return _by_strips(image, raw_words(op.key, fields.words_for(image.size)), 3, strip)


def _blocks(op: BlockNoise, image: Image, _assets: Assets) -> Image:
    """I + sigma n: one word per block for sigma, then the words of the field."""
    shape = image.shape[:2]
    down, across = fields.blocks_of(shape, op.block)
    words = raw_words(op.key, down * across + fields.words_for(image.size))
    sigmas = fields.block_sigmas(words[: down * across], shape, op.block, *op.sigma).reshape(-1, 1)

    def strip(pixels: Pixels, words: Words, here: slice, out: Pixels) -> None:
        noise = fields.normals(words, pixels.shape)
        noise *= sigmas[here]
        np.add(pixels, noise, out=out)

    return _by_strips(image, words[down * across :], 3, strip)


NOISE: dict[type, Apply] = {
    GaussianNoise: _gaussian,
    SpeckleNoise: _speckle,
    PoissonNoise: _poisson,
    ShotReadNoise: _shot_read,
    BlockNoise: _blocks,
}

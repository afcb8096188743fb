"""The standard deviation of an LR's noise at each of its pixels, by its program.

Each op that adds noise brings a variance, which depends on where a pixel lies (patches, blocks) and
how bright it is (photons, sensors, noise by level). What comes after changes it: blurs and resizes
by the squares of their weights, as for independent noise; a development by its slopes. Codecs,
rounding and clipping count as nothing, and channels are averaged.

The brightness is that of the HR, averaged over the s x s pixels that an LR pixel stands for: free
of noise, and the true one but at edges.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.camera import RED_AT, demosaic
from pairmill.models.functional.noise import block_sigmas, blocks_of
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.labels.kernel import NOISE, Shape
from pairmill.pipeline.noise.inject import LEVELS, crop_weights
from pairmill.pipeline.ops import OPS
from pairmill.pipeline.rng import raw_words
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.noise import (
    BlockNoise,
    GaussianNoise,
    PoissonNoise,
    ShotReadNoise,
    SpeckleNoise,
)
from pairmill.schemas.ops.pooled import Inject, InjectByLevel
from pairmill.schemas.program import Program

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
WHITE = 255.0
USUAL_PEAK = 256.0
"""Photons at white of Poisson noise that counts levels, 2 ** ceil(log2(n)): 256 for all images of
more than 128 levels. A label does not know the n of its tile, whose pixels as they come to the op
are not there: the noise of n levels, at most 128, is larger by sqrt(256 / peak), so by 2 for 33 to
64 levels."""
STEP = 0.25
"""Intensity levels to both sides over which a slope is measured."""


class Part(NamedTuple):
    """A part of an LR, as noise sees it."""

    levels: Array
    """(h, w, 3) brightness, in intensity levels."""
    place: tuple[int, int]
    """Its first row and column in the LR."""
    shape: Shape
    """Rows and columns of the whole LR."""


def levels_of(hr: NDArray[np.uint8], scale: int) -> Array:
    """Means of s x s pixels: (s h, s w, 3) to (h, w, 3), in intensity levels."""
    # Exact: a sum of whole numbers, far below 2**24.
    side = scale, scale
    sums = cv2.boxFilter(hr, cv2.CV_32F, side, anchor=(0, 0), normalize=False)
    height, width = (length // scale * scale for length in hr.shape[:2])
    return np.asarray(sums[:height:scale, :width:scale], np.float64) / scale**2


def constant(program: Program, gains: dict[int, float]) -> float | None:
    """The standard deviation in [0, 1], if it is the same for all pixels; none if it is not."""
    variance, developed = 0.0, False
    for number in reversed(range(len(program.ops))):
        op = program.ops[number]
        developed = developed or isinstance(op, DEVELOPMENT)
        if not isinstance(op, NOISE):
            continue
        if developed or not isinstance(op, GaussianNoise):
            return None
        variance += gains[number] * float(_gaussian(op).mean())
    return float(np.sqrt(variance)) / WHITE


def noise_map(
    program: Program, gains: dict[int, float], sizes: list[Shape], part: Part, assets: Assets
) -> NDArray[np.float32]:
    """The standard deviation of the noise of a part of an LR.

    Args:
        program: How the LR is made.
        gains: See `Walked`.
        sizes: Rows and columns of the image before each op, and of the LR.
        part: Which part.
        assets: The pools that the program names.

    Returns:
        (h, w) in [0, 1].
    """
    levels, variance = part.levels, np.zeros(part.levels.shape)
    for number, op in enumerate(program.ops):
        if isinstance(op, NOISE):
            here = VARIANCES[type(op)](op, part._replace(levels=levels), sizes[number], assets)
            variance = variance + gains[number] * here
        elif isinstance(op, Mosaic):
            variance = variance * _mosaic_gains(op.pattern)
        elif isinstance(op, DEVELOPMENT):
            variance = _developed(op, levels, variance, assets)
            levels = np.asarray(OPS[type(op)](op, levels, assets), np.float64)
    return np.asarray(np.sqrt(variance.mean(axis=2)) / WHITE, np.float32)


DEVELOPMENT = (Unprocess, Process, Mosaic)
"""Ops that change the noise that is there, pixel by pixel."""


def _developed(op: Op, levels: Array, variance: Array, assets: Assets) -> Array:
    """Variance after a development, by its slopes at the levels of each pixel."""
    out = np.zeros_like(variance)
    if variance.any():
        for channel in range(3):
            step = np.zeros(3)
            step[channel] = STEP
            above, below = (
                np.asarray(OPS[type(op)](op, moved, assets), np.float64)
                for moved in (levels + step, levels - step)
            )
            out += ((above - below) / (2 * STEP)) ** 2 * variance[..., [channel]]
    return out


@lru_cache(maxsize=len(RED_AT))
def _mosaic_gains(pattern: str) -> Array:
    """(3,) mean variance of demosaicked R, G and B of independent noise of variance 1."""
    gains = np.zeros(3)
    for row, column in np.ndindex(2, 2):
        raw = np.zeros((12, 12))
        raw[6 + row, 6 + column] = 1
        gains += (demosaic(raw, pattern) ** 2).sum(axis=(0, 1)) / 4
    return gains


def _gaussian(op: GaussianNoise | SpeckleNoise) -> Array:
    """(3,) variances of the channels."""
    if op.covariance is not None:
        return np.diagonal(np.asarray(op.covariance))
    return np.full(3, op.sigma**2)


def _speckle(op: SpeckleNoise, part: Part, _size: Shape, _assets: Assets) -> Array:
    return _gaussian(op) * part.levels**2


def _poisson(op: PoissonNoise, part: Part, _size: Shape, _assets: Assets) -> Array:
    peak = USUAL_PEAK if op.peak == "levels" else op.peak
    seen = np.clip(part.levels, 0, WHITE)
    if op.grey:
        seen = (seen @ np.array([0.299, 0.587, 0.114]))[..., None]
    # Counts have variance I peak / 255, and are multiplied by 255 / peak.
    return np.broadcast_to(op.strength**2 * seen * WHITE / peak, part.levels.shape)


def _shot_read(op: ShotReadNoise, part: Part, _size: Shape, _assets: Assets) -> Array:
    return op.shot * np.maximum(part.levels, 0) + op.read**2


def _blocks(op: BlockNoise, part: Part, size: Shape, _assets: Assets) -> Array:
    down, across = blocks_of(size, op.block)
    sigmas = block_sigmas(raw_words(op.key, down * across), size, op.block, *op.sigma)
    return np.broadcast_to(sigmas[np.ix_(*_under(part, size))] ** 2, part.levels.shape)


def _under(part: Part, size: Shape) -> tuple[Indices, Indices]:
    """Rows and columns of an image of `size` that lie nearest to those of a part of the LR."""
    rows, columns = (
        ((2 * (first + np.arange(count)) + 1) * inputs) // (2 * outputs)
        for first, count, inputs, outputs in zip(
            part.place, part.levels.shape[:2], size, part.shape, strict=True
        )
    )
    return rows, columns


def _patches(
    op: Inject | InjectByLevel, part: Part, size: Shape, of_patch: Callable[[int, Array], Array]
) -> Array:
    """Variances of patches laid out as the patches are; `of_patch` gets a row of the pool and the
    levels of pixels under its crop.
    """
    rows, columns = _under(part, size)
    variance = np.zeros(part.levels.shape)
    for place in op.placements:
        down, across = rows - place.top, columns - place.left
        met = np.ix_(
            np.flatnonzero((down >= 0) & (down < place.height)),
            np.flatnonzero((across >= 0) & (across < place.width)),
        )
        if met[0].size and met[1].size:
            weights = crop_weights(place, size).reshape(place.height, place.width, 3)
            seen = weights[np.ix_(down[met[0].ravel()], across[met[1].ravel()])]
            variance[met] += np.square(seen, dtype=float) * of_patch(place.index, part.levels[met])
    return variance * op.strength**2


def _inject(op: Inject, part: Part, size: Shape, assets: Assets) -> Array:
    return _patches(op, part, size, lambda index, _levels: _patch_variance(assets, op.pool, index))


def _by_level(op: InjectByLevel, part: Part, size: Shape, assets: Assets) -> Array:
    """A patch of any level comes to the camera's noise at the level of a pixel, so that it does not
    matter here which of several is taken.
    """

    def of_patch(index: int, levels: Array) -> Array:
        near = np.clip(np.rint(levels), 0, LEVELS - 1).astype(np.intp)
        gains = assets.gains(op.levels, index).table[0][near, np.arange(3)]
        return np.asarray(np.square(gains, dtype=float) * _patch_variance(assets, op.pool, index))

    return _patches(op, part, size, of_patch)


@lru_cache(maxsize=4096)
def _patch_variance(assets: Assets, pool: str, index: int) -> Array:
    """(3,) variances of the channels of a patch, whose mean is 0."""
    return np.asarray(np.square(assets.patch(pool, index), dtype=float).mean(axis=(0, 1)))


VARIANCES: dict[type, Callable[[Any, Part, Shape, Assets], Array]] = {
    GaussianNoise: lambda op, _part, _size, _assets: _gaussian(op),
    SpeckleNoise: _speckle,
    PoissonNoise: _poisson,
    ShotReadNoise: _shot_read,
    BlockNoise: _blocks,
    Inject: _inject,
    InjectByLevel: _by_level,
}
"""Variance that each op adds, in intensity levels squared, to broadcast to (h, w, 3)."""

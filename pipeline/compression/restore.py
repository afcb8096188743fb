"""Noise as it was before compression: patches of JPEG images whose quantisation is drawn anew.

Flat areas of a JPEG show what quantisation left of the noise: most weak coefficients became 0. If
such a residual is injected and the LR compressed once more, the noise is quantised twice, on two
grids, and lacks what edges and texture would have let through. Here each coefficient is drawn from
what it can have been: the noise of a coefficient is N(s, sigma) with s from the smooth surface of
the patch, and it lay within half a step of the stored multiple of its step. sigma per frequency is
the maximum likelihood over all patches of an image given those intervals; a frequency of which next
to nothing survived takes it from its neighbours. What is drawn then has the noise's own strength
and spectrum at any grid, and quantising it on the old grid gives back the stored patch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.compression.blocks import Plane, blocked, planes, reduced, rgb, unblocked
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.tables import FACTORS, Encoder, Table
from pairmill.pipeline.noise.residual import degree, detrend

SIGMAS = np.geomspace(0.1, 40, 61)
"""Standard deviations that are tried, in intensity levels."""
PRIOR = 0.35
"""Standard deviation of the logarithm of sigma around that of the neighbouring frequencies."""
SAMPLE = 1024
"""Most blocks that sigma is estimated from."""
INFORMED = 0.02
"""Smallest share of coefficients that are not 0 for a frequency to be known by itself."""
TINY = 1e-9
CALIBRATIONS, GAINS = 4, (0.3, 1.5)
"""Rounds of calibration, and the least and largest factor that comes of it."""


def restore(
    patches: NDArray[np.uint8],
    corners: Sequence[tuple[int, int]],
    encoder: Encoder,
    phase: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Patches of one image with the noise that they had before compression.

    Args:
        patches: (n, p, p, 3) uint8, flat but for noise and shading.
        corners: First row and column of each in the image.
        encoder: How the image was compressed.
        phase: Rows and columns by which the image starts inside its first block.
        rng: Stream of the draws.

    Returns:
        (n, p, p, 3) in intensity levels; may leave 0..255 a little.
    """
    side = patches.shape[1]
    ycc = planes(patches)
    starts = [((top + phase[0]) % 16, (left + phase[1]) % 16) for top, left in corners]
    done = np.empty_like(ycc)
    # Patches that begin at the same place of the 16 x 16 grid are cut into blocks together.
    for start in sorted(set(starts)):
        here = [number for number, other in enumerate(starts) if other == start]
        pads = [(0, 0), (0, 0), *((before, -(before + side) % 16) for before in start)]
        noise = detrend(ycc[:, here], degree(side))
        smooth, noise = (
            np.pad(part, pads, mode="symmetric") for part in (ycc[:, here] - noise, noise)
        )
        full = _calibrated(_drawn(smooth, noise, encoder, rng), smooth, noise, encoder)
        done[:, here] = full[:, :, start[0] : start[0] + side, start[1] : start[1] + side]
    return rgb(done)


def _drawn(smooth: Plane, noise: Plane, encoder: Encoder, rng: np.random.Generator) -> Plane:
    """The noise (3, n, H, W) before compression; sides are whole blocks of 16."""
    scale = _strengths(blocked(noise[0]), encoder.luma)
    luma = _redrawn(noise[:1], smooth[:1] - 128, encoder.luma, (1, 1), scale, rng)
    chroma = _redrawn(
        noise[1:], smooth[1:], encoder.chroma, FACTORS[encoder.subsampling], scale, rng
    )
    return np.concatenate([luma, chroma])


def _calibrated(drawn: Plane, smooth: Plane, noise: Plane, encoder: Encoder) -> Plane:
    """Smooth surface and drawn noise, scaled per channel until compression makes the noise as
    strong as it was found.

    The likelihood knows nothing of the rounding of decoded samples, which is stronger than weak
    chroma noise.
    """
    gain, wanted = np.ones(3), noise.std(axis=(1, 2, 3))
    for _ in range(CALIBRATIONS):
        again = _compressed(smooth + gain[:, None, None, None] * drawn, encoder) - smooth
        again -= again.mean(axis=(2, 3), keepdims=True)
        gain = np.clip(
            gain * np.clip(wanted / np.maximum(again.std(axis=(1, 2, 3)), 0.05), 0.5, 1.5), *GAINS
        )
    return np.asarray(smooth + gain[:, None, None, None] * drawn)


def _compressed(ycc: Plane, encoder: Encoder) -> Plane:
    """Planes (3, n, H, W) through the codec, one above the other."""
    tall = to_uint8(rgb(ycc).reshape(-1, ycc.shape[3], 3))
    return planes(compress(tall, encoder, (0, 0)).reshape(*ycc.shape[1:], 3))


def _redrawn(
    noise: Plane,
    smooth: Plane,
    table: Table,
    factors: tuple[int, int],
    scale: Plane,
    rng: np.random.Generator,
) -> Plane:
    """Noise (c, n, H, W) with coefficients drawn anew; each channel has noise of its own, each
    patch its strength.
    """
    mean = blocked(reduced(smooth, factors))
    multiple = np.rint((blocked(reduced(noise, factors)) + mean) / table)
    low, high = (multiple - 0.5) * table - mean, (multiple + 0.5) * table - mean
    drawn = np.empty_like(mean)
    for channel in range(len(noise)):
        sigma = _sigmas(low[channel] / scale, high[channel] / scale, multiple[channel] != 0) * scale
        drawn[channel] = truncated(sigma, low[channel], high[channel], rng)
    return _enlarged(unblocked(drawn), factors, rng)


def _strengths(noise: Plane, table: Table) -> Plane:
    """Strength of each patch's noise relative to the mean patch, (n, 1, 1, 1, 1), from luma
    coefficients (n, h, w, 8, 8).

    Only frequencies count whose noise is stronger than their steps, and so was not much changed;
    without any, all are equal.
    """
    loud = (noise**2).mean(axis=(0, 1, 2)) > table**2
    # The mean of a block holds the shading, not noise alone.
    loud[0, 0] = False
    if loud.sum() < 3:
        return np.ones((len(noise), 1, 1, 1, 1))
    power = np.maximum((noise[..., loud] ** 2).mean(axis=(1, 2, 3)), 1e-3)
    return np.asarray(np.sqrt(power / power.mean())[:, None, None, None, None])


def _sigmas(low: Plane, high: Plane, alive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Standard deviation of each frequency, (8, 8), by maximum likelihood of the intervals (..., 8,
    8).
    """
    every = max(1, low.size // 64 // SAMPLE)
    low, high = low.reshape(-1, 64)[::every], high.reshape(-1, 64)[::every]
    alive = alive.reshape(-1, 64)[::every]
    down, up = _in_lower_tail(low, high)
    fits = np.stack(
        [
            np.log(np.maximum(ndtr(up / sigma) - ndtr(down / sigma), TINY)).sum(axis=0)
            for sigma in SIGMAS
        ]
    )
    single = SIGMAS[fits.argmax(axis=0)]
    known = alive.mean(axis=0) >= INFORMED
    known[0] = False  # the level of a block is not noise alone
    if not known.any():
        return np.full((8, 8), SIGMAS[0])
    rows, columns = np.divmod(np.arange(64), 8)
    distance = np.hypot(rows[:, None] - rows[known], columns[:, None] - columns[known])
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :6]
    expected = np.median(np.log(single[known])[nearest], axis=1)
    prior = -0.5 * ((np.log(SIGMAS)[:, None] - expected) / PRIOR) ** 2
    fits[:, 0] = 0
    return np.asarray(SIGMAS[(fits + prior).argmax(axis=0)].reshape(8, 8))


def _in_lower_tail(low: Plane, high: Plane) -> tuple[Plane, Plane]:
    """Bounds between which N(0, sigma) has the same mass, turned over to where ndtr is exact."""
    flip = low > 0
    return np.where(flip, -high, low), np.where(flip, -low, high)


def truncated(sigma: Plane, low: Plane, high: Plane, rng: np.random.Generator) -> Plane:
    """One draw per element of N(0, sigma) given that it lies between `low` and `high`; far in a
    tail, the nearer bound.
    """
    flip = low > 0
    down, up = (bound / sigma for bound in _in_lower_tail(low, high))
    start, end = ndtr(down), ndtr(up)
    # Both bounds lie in the lower tail; where its mass is 0 in float64, the nearer one is taken.
    value = ndtri(np.clip(start + rng.random(low.shape) * (end - start), 1e-300, 1 - 1e-16))
    value = np.clip(value, down, up)
    return np.asarray(np.where(flip, -value, value) * sigma)


def _enlarged(plane: Plane, factors: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Samples repeated, with white noise inside each cell as strong as the samples' own: as if they
    were means of it.
    """
    cell = factors[0] * factors[1]
    if cell == 1:
        return plane
    repeated = plane.repeat(factors[0], axis=-2).repeat(factors[1], axis=-1)
    spread = np.sqrt(cell) * (plane - plane.mean(axis=(-2, -1), keepdims=True)).std(
        axis=(-2, -1), keepdims=True
    )
    inside = ndtri(np.clip(rng.random(repeated.shape), 1e-16, 1 - 1e-16))
    height, width = plane.shape[-2:]
    cells = inside.reshape(*plane.shape[:-2], height, factors[0], width, factors[1])
    cells = cells - cells.mean(axis=(-3, -1), keepdims=True)
    return np.asarray(repeated + spread * cells.reshape(repeated.shape))

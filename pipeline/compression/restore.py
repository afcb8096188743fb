"""Noise as it was before compression: patches of JPEG images whose quantisation is drawn anew.

Flat areas of a JPEG show what quantisation left of the noise: most weak coefficients became 0. If
such a residual is injected and the LR compressed once more, the noise is quantised twice, on two
grids, and lacks what edges and texture would have let through. Here each coefficient is drawn from
what it can have been: the noise of a coefficient is normal around the smooth surface of the patch,
and it lay within about half a step of the stored multiple of its step. How strong it is at each
frequency, and how Y, Cb and Cr go together, is fitted to the intervals of all patches of an image
(`noise_fit`). What is drawn then has the noise's own strength and spectrum at any grid, and
quantising it on the old grid gives back the stored patch.

Y is drawn first. Of Cb it foretells a part, of Cr both do: what is drawn of a chroma is the rest,
and where chroma was subsampled, the pixels of its cells are drawn given their means.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from pairmill.models.camera.flat_blocks import EARLY
from pairmill.models.functional.block_cosines import blocked, unblocked
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.compression.blocks import (
    Plane,
    planes,
    reduced,
    rgb,
    stored,
)
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.noise_fit import (
    Ends,
    Factors,
    Heard,
    NoiseFit,
    box,
    folded,
    in_lower_tail,
    of_blocks,
    rounded,
)
from pairmill.pipeline.compression.tables import FACTORS, Encoder, Table
from pairmill.pipeline.noise.residual import degree, detrend

TRIALS, TRIAL = 2, 384
"""How often noise is compressed to see what that adds, and the least number of blocks of 16."""
LEAST = 1e-6
"""Least power of a frequency, in squared intensity levels."""


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
        inside = np.pad(np.ones((side, side)), pads[2:])
        full = smooth + _drawn(smooth, noise, inside, encoder, rng)
        done[:, here] = full[:, :, start[0] : start[0] + side, start[1] : start[1] + side]
    return rgb(done)


def _drawn(
    smooth: Plane,
    noise: Plane,
    inside: Plane,
    encoder: Encoder,
    rng: np.random.Generator,
) -> Plane:
    """The noise (3, n, H, W) before compression; sides are whole blocks of 16, of which only those
    that are wholly `inside` (1 in (H, W), else 0) are known.
    """
    factors = FACTORS[encoder.subsampling]
    cells: tuple[Factors, ...] = ((1, 1), factors, factors)
    ends = _intervals(smooth, noise, inside, encoder)
    scale = _strengths(blocked(noise[0]), encoder.luma)
    found, rounding = _fitted(
        [(low / scale, high / scale) for low, high in ends], smooth, encoder, rng
    )
    spectra = found.spectra(noise.shape[-2:])
    drawn: list[Plane] = []
    for plane, (down, up) in enumerate(ends):
        foretold, rest = _foretold(spectra, drawn)
        sigma = found.sigmas[plane] * _rest(rest, spectra[plane, plane], cells[plane]) * scale
        known = _foreseen(foretold, cells[plane])
        own = _before_rounding(sigma, down - known, up - known, rounding[plane].reshape(8, 8), rng)
        drawn.append(
            foretold + _enlarged(unblocked(own), rest, cells[plane], scale[..., 0, 0], rng)
        )
    return np.stack(drawn)


def _fitted(
    ends: Sequence[Ends], smooth: Plane, encoder: Encoder, rng: np.random.Generator
) -> tuple[NoiseFit, Plane]:
    """The noise that intervals tell of, and the variance that the codec adds to it, (3, 64).

    A decoder rounds its samples, its colours and again its pixels, which weak chroma noise is no
    stronger than, and which depends on it. So noise as found is compressed on the same surface, to
    see what is added.
    """
    heard = Heard.of(ends, FACTORS[encoder.subsampling])
    rounding = rounded(heard.factors)
    for _ in range(TRIALS):
        rounding = _added(heard.fit(rounding), smooth, encoder, rng)
    return heard.fit(rounding), rounding


def _added(noise: NoiseFit, smooth: Plane, encoder: Encoder, rng: np.random.Generator) -> Plane:
    """(3, 64): variance that a codec adds to the cosines of noise on these surfaces, at least that
    of rounding: how much farther from the truth it left them than their quantisation alone.
    """
    factors = FACTORS[encoder.subsampling]
    many = -(-TRIAL // (smooth.shape[-2] * smooth.shape[-1] // 256))
    surface = smooth[:, np.arange(many) % smooth.shape[1]]
    before = to_uint8(rgb(surface + _free(noise.spectra(smooth.shape[-2:]), many, rng)))
    after = planes(compress(before.reshape(-1, smooth.shape[-1], 3), encoder, (0, 0)))
    noisy, again = planes(before) - surface, _by_plane(after.reshape(surface.shape), encoder)
    found = []
    for plane, (middle, table, cell) in enumerate(_by_plane(surface, encoder)):
        mean = blocked(reduced(middle, cell))
        truth = blocked(_means(noisy[plane], cell))
        errors = [
            coded - mean - truth
            for coded in (_quantised(truth + mean, table), stored(again[plane][0], table, cell))
        ]
        alone, whole = (np.square(error).mean(axis=(0, 1, 2)).ravel() for error in errors)
        found.append(whole - alone)
    return np.asarray(np.maximum(np.stack(found), rounded(factors)))


def _free(spectra: Plane, count: int, rng: np.random.Generator) -> Plane:
    """Noise (3, count, H, W) of these spectra, of which nothing is known."""
    drawn: list[Plane] = []
    for _ in range(3):
        foretold, rest = _foretold(spectra, drawn)
        drawn.append(foretold + _of_power(rest, count, rng))
    return np.stack(drawn)


def _of_power(power: Plane, count: int, rng: np.random.Generator) -> Plane:
    """Noise (count, H, W) of a power spectrum (H, W)."""
    white = np.fft.fft2(normal((count, *power.shape), rng))
    return np.asarray(np.fft.ifft2(white * np.sqrt(power)).real)


def _before_rounding(
    sigma: Plane, low: Plane, high: Plane, rounding: Plane, rng: np.random.Generator
) -> Plane:
    """N(0, sigma) given that it and rounding of that variance lie together between `low` and
    `high`.
    """
    sigma = np.broadcast_to(sigma, low.shape)
    together = truncated(np.sqrt(sigma**2 + rounding), low, high, rng)
    share = sigma**2 / (sigma**2 + rounding)
    return np.asarray(share * together + np.sqrt(share * rounding) * normal(low.shape, rng))


def _intervals(smooth: Plane, noise: Plane, inside: Plane, encoder: Encoder) -> list[Ends]:
    """Of Y, Cb and Cr, between what the coefficients (n, h, w, 8, 8) of noise (3, n, H, W) lay
    before compression; anything where a block is not wholly inside.
    """
    found = []
    seen = _by_plane(smooth + noise, encoder)
    for plane, (surface, table, cell) in enumerate(_by_plane(smooth, encoder)):
        mean = blocked(reduced(surface, cell))
        nearest = stored(seen[plane][0], table, cell)
        cut = (_means(inside, (8 * cell[0], 8 * cell[1])) < 1)[:, :, None, None]
        half = np.where(cut, np.inf, np.where(nearest == 0, table / 2 - EARLY, table / 2))
        middle = nearest - EARLY * np.sign(nearest) - mean
        found.append((middle - half, middle + half))
    return found


def _quantised(coefficients: Plane, table: Table) -> Plane:
    """The multiples of steps that libjpeg stores of coefficients (..., 8, 8)."""
    steps = np.floor((np.abs(coefficients) + table / 2 + EARLY) / table)
    return np.asarray(np.copysign(table * steps, coefficients))


def _by_plane(ycc: Plane, encoder: Encoder) -> list[tuple[Plane, Table, Factors]]:
    """Of Y, Cb and Cr, the plane as it is coded, the steps, and the pixels of a sample."""
    factors = FACTORS[encoder.subsampling]
    return [
        (ycc[0] - 128, encoder.luma, (1, 1)),
        (ycc[1], encoder.chroma, factors),
        (ycc[2], encoder.chroma, factors),
    ]


def _foretold(spectra: Plane, drawn: Sequence[Plane]) -> tuple[Plane, Plane]:
    """What the planes that are drawn tell of the next one, (n, H, W), and the power (H, W) of the
    rest of it.
    """
    plane = len(drawn)
    power = np.maximum(spectra[plane, plane], LEAST)
    if not plane:
        return np.zeros(1), power
    among = np.moveaxis(spectra[:plane, :plane], (0, 1), (2, 3)) + LEAST * np.eye(plane)
    common = np.moveaxis(spectra[plane, :plane], 0, 2)
    weights = np.linalg.solve(among, common[..., None])[..., 0]
    heard = np.stack([np.fft.fft2(one) for one in drawn], axis=-1)
    told = np.fft.ifft2((heard * weights).sum(axis=-1)).real
    return told, np.maximum(power - (weights * common).sum(axis=-1), LEAST)


def _rest(rest: Plane, power: Plane, factors: Factors) -> Plane:
    """Share of the standard deviation of each cosine, (8, 8), that is not foretold."""
    left, whole = (of_blocks(folded(one, factors)) for one in (rest, np.maximum(power, LEAST)))
    return np.asarray(np.sqrt(left / whole))


def _foreseen(foretold: Plane, factors: Factors) -> Plane:
    if foretold.ndim == 1:
        return np.zeros(1)
    return blocked(_means(foretold, factors))


def _means(plane: Plane, factors: Factors) -> Plane:
    """Means of the cells of (..., H, W)."""
    tall, wide = factors
    rows, columns = plane.shape[-2] // tall, plane.shape[-1] // wide
    return np.asarray(
        plane.reshape(*plane.shape[:-2], rows, tall, columns, wide).mean(axis=(-3, -1))
    )


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


def truncated(sigma: Plane, low: Plane, high: Plane, rng: np.random.Generator) -> Plane:
    """One draw per element of N(0, sigma) given that it lies between `low` and `high`; far in a
    tail, the nearer bound.
    """
    flip = low > 0
    down, up = (bound / sigma for bound in in_lower_tail(low, high))
    start, end = ndtr(down), ndtr(up)
    # Both bounds lie in the lower tail; where its mass is 0 in float64, the nearer one is taken.
    value = ndtri(np.clip(start + rng.random(low.shape) * (end - start), 1e-300, 1 - 1e-16))
    value = np.clip(value, down, up)
    return np.asarray(np.where(flip, -value, value) * sigma)


def normal(shape: tuple[int, ...], rng: np.random.Generator) -> Plane:
    """Draws of N(0, 1)."""
    return np.asarray(ndtri(np.clip(rng.random(shape), 1e-16, 1 - 1e-16)))


def _enlarged(
    means: Plane, power: Plane, factors: Factors, scale: Plane, rng: np.random.Generator
) -> Plane:
    """Pixels (n, H, W) whose cells have these means (n, h, w): a draw of noise of this power (H, W)
    and strength (n, 1, 1), given them (conditional simulation: what a draw without that knowledge
    has wrong in its means is taken back as far as each frequency answers for it).
    """
    if factors == (1, 1):
        return means
    free = scale * _of_power(power, len(means), rng)
    wrong = np.fft.fft2(means - _means(free, factors))
    answer = power * box(power.shape, factors).conj() / np.tile(folded(power, factors), factors)
    return np.asarray(free + np.fft.ifft2(np.tile(wrong, factors) * answer).real)

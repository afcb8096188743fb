"""The noise that the coefficients of a JPEG speak for: its shape, and its strength per frequency.

Quantisation leaves of a coefficient the interval that it lay in. Where steps are finer than the
noise these intervals tell its strength; where nothing is left they only bound it. So one of a few
shapes (`pairmill.models.camera.noise_spectra`), with a strength of R, G and B each, is fitted to
the intervals of all frequencies of Y, Cb and Cr at once; the strength of each frequency is then
drawn from what the fit says to what its own intervals say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.fft import idct
from scipy.special import ndtr

from pairmill.models.camera.noise_spectra import Shape
from pairmill.pipeline.compression.blocks import TO_YCC, Plane

SIGMAS = np.geomspace(0.05, 40, 45)
"""Standard deviations that are tried, in intensity levels."""
SAMPLE = 1536
"""Most blocks that sigma is estimated from."""
TINY = 1e-9
LEAST = 1e-4
"""Least share of the fit's variance that a frequency keeps, where rounding explains the rest."""
SIDE = 32
"""Side of the images on which shapes are compared, in pixels: two blocks of subsampled chroma."""
SHAPES = tuple(
    Shape(mosaic, blur, sharpened)
    for mosaic in (False, True)
    for blur, sharpened in (
        *((blur, 0.0) for blur in (0.0, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 1.0, 1.2, 1.5, 2.0)),
        *((0.0, sharpened) for sharpened in (0.4, 0.8, 1.2)),
    )
)
"""Shapes that are tried, the plainest first."""
MOSAIC = 2.0
"""How much likelier, as a logarithm, noise of a Bayer mosaic must be than any other to be taken for
it: where steps leave nothing of chroma, its shape is easily had by chance."""
BALANCED = 0.03
"""How far strengths of R and B usually are from that of G, as a logarithm: the scale of a Laplace
distribution, so that they are taken for alike unless coefficients say otherwise."""
SEARCH = (np.geomspace(0.5, 2.0, 15), np.geomspace(0.85, 1.18, 15), np.geomspace(0.97, 1.03, 7))
"""Factors of strengths that are tried, round by round."""
RED, BLUE, ALL = [0], [2], [0, 1, 2]
SWEEPS = 2
"""How often strengths are searched, colour by colour."""
LIKELIEST = 8
"""Shapes that it is done for: those that are likeliest while R, G and B are alike."""
ROUNDING = 1 / 12
"""Variance of rounding to whole numbers, which an encoder does before its cosines: of Y, Cb and Cr,
and of the means of cells again."""
OWN = 0.25
"""Standard deviation of the logarithm of a frequency's sigma around that of the fit."""

Factors = tuple[int, int]
Ends = tuple[Plane, Plane]
"""Lower and upper ends of the intervals that coefficients (n, h, w, 8, 8) lay in, in intensity
levels."""


@dataclass(frozen=True, eq=False)
class NoiseFit:
    """The noise of an image before compression."""

    shape: Shape
    strengths: tuple[float, float, float]
    """Standard deviations at the pixels of R, G and B, in intensity levels."""
    sigmas: Plane
    """(3, 8, 8): standard deviation of the cosines of Y, Cb and Cr, of samples where chroma is
    subsampled."""

    def spectra(self, side: tuple[int, int]) -> Plane:
        """(3, 3, rows, columns): covariance of Y, Cb and Cr at each frequency of `numpy.fft`."""
        parts = self.shape.spectra(side, TO_YCC)
        return np.asarray(np.einsum("c,cijhw->ijhw", np.square(self.strengths), parts))


@dataclass(frozen=True, eq=False)
class Heard:
    """What the coefficients of an image say."""

    likely: Plane
    """(3, 64, sigmas): log likelihood of every sigma, for each frequency of Y, Cb and Cr."""
    factors: Factors
    """Rows and columns of pixels per chroma sample."""

    @classmethod
    def of(cls, ends: Sequence[Ends], factors: Factors) -> Self:
        """What the intervals of Y, Cb and Cr say."""
        return cls(np.stack([_likelihoods(*pair) for pair in ends]), factors)

    def fit(self, rounding: Plane) -> NoiseFit:
        """The likeliest noise.

        Args:
            rounding: (3, 64) or (3, 1): variance that the codec itself adds to the cosines.
        """
        first = [_Tried(shape, self, rounding) for shape in SHAPES]
        likeliest = sorted(first, key=lambda one: -one.score)[:LIKELIEST]
        for one in likeliest:
            one.search(SWEEPS * (RED, BLUE, ALL))
        best = max(likeliest, key=lambda one: one.score)
        known = _variances(best.strengths, best.cosines)
        own = np.maximum(self._drawn_to(known + rounding) - rounding, known * LEAST)
        red, green, blue = best.strengths.tolist()
        return NoiseFit(best.shape, (red, green, blue), np.sqrt(own).reshape(3, 8, 8))

    def _drawn_to(self, expected: Plane) -> Plane:
        """(3, 64): variance of each frequency, between what is expected and what it says itself."""
        prior = -0.5 * (np.log(SIGMAS**2 / expected[..., None]) / 2 / OWN) ** 2
        likely = self.likely + prior
        best = np.clip(likely.argmax(axis=2), 1, len(SIGMAS) - 2)
        before, at, after = (
            np.take_along_axis(likely, (best + shift)[..., None], 2)[..., 0] for shift in (-1, 0, 1)
        )
        # Between the standard deviations that were tried, a parabola.
        bend = np.minimum(before - 2 * at + after, -1e-9)
        beyond = np.clip((before - after) / 2 / bend, -0.5, 0.5)
        return np.asarray(np.square(SIGMAS[best] * (SIGMAS[1] / SIGMAS[0]) ** beyond))


def rounded(factors: Factors) -> Plane:
    """(3, 1): variance of what rounding adds to the cosines of Y, Cb and Cr before quantisation."""
    cell = factors[0] * factors[1]
    chroma = ROUNDING if cell == 1 else ROUNDING * (1 + 1 / cell)
    return np.array([ROUNDING, chroma, chroma])[:, None]


def _likelihoods(low: Plane, high: Plane) -> Plane:
    """(64, sigmas): of each frequency, the log likelihood of every sigma; nothing of the first,
    for the level of a block is not noise alone.
    """
    known = np.isfinite(low[..., 0, 0])
    every = max(1, known.sum() // SAMPLE)
    down, up = in_lower_tail(*(end[known].reshape(-1, 64)[::every] for end in (low, high)))
    fits = np.stack(
        [
            np.log(np.maximum(ndtr(up / sigma) - ndtr(down / sigma), TINY)).sum(axis=0)
            for sigma in SIGMAS
        ],
        axis=1,
    )
    fits[0] = 0
    return fits


def in_lower_tail(low: Plane, high: Plane) -> tuple[Plane, Plane]:
    """Bounds between which N(0, sigma) has the same mass, turned over to where ndtr is exact."""
    flip = low > 0
    return np.where(flip, -high, low), np.where(flip, -low, high)


class _Tried:
    """A shape, the best strengths of R, G and B that were found for it, (3,), and their score: log
    likelihood, how usual their balance is, and how usual the shape.
    """

    def __init__(self, shape: Shape, heard: Heard, rounding: Plane) -> None:
        self.shape, self.cosines = shape, _cosines(shape, heard.factors)
        self.strengths, self.score = np.ones(3), -np.inf
        self._likely, self._rounding = heard.likely, rounding
        self._look(SIGMAS[:, None] * np.ones(3))
        # Alike first: of strengths that are all too great, a single colour would come down alone.
        self.search((ALL,))

    def search(self, turns: Sequence[list[int]]) -> None:
        """Look for better ones, these colours at a time."""
        for colours in turns:
            for factors in SEARCH:
                tried = np.tile(self.strengths, (len(factors), 1))
                tried[:, colours] *= factors[:, None]
                self._look(tried)

    def _look(self, tried: Plane) -> None:
        """Take the best of strengths (n, 3)."""
        balance = np.abs(np.log(tried[:, [0, 2]] / tried[:, 1:2]))
        scores = _likely(self._likely, _variances(tried, self.cosines) + self._rounding)
        scores -= balance.sum(axis=1) / BALANCED + MOSAIC * self.shape.mosaic
        best = int(scores.argmax())
        self.score, self.strengths = float(scores[best]), tried[best]


def _variances(strengths: Plane, cosines: Plane) -> Plane:
    """(..., 3, 64): of the cosines of Y, Cb and Cr, of strengths (..., 3)."""
    return np.asarray(np.tensordot(np.square(strengths), cosines, 1))


def _likely(fits: Plane, variances: Plane) -> Plane:
    """(n,): log likelihood of variances (n, 3, 64); between the deviations that were tried, by
    cubic interpolation (Catmull and Rom 1974), for steps are wider than peaks.
    """
    place = np.log(variances / SIGMAS[0] ** 2) / 2 / np.log(SIGMAS[1] / SIGMAS[0])
    place = np.clip(place, 1, len(SIGMAS) - 3 + 0.999)
    whole = place.astype(int)
    between = place - whole
    plane, cosine = np.arange(3)[:, None], np.arange(64)
    a, b, c, d = (fits[plane, cosine, whole + shift] for shift in (-1, 0, 1, 2))
    bent = between * (2 * a - 5 * b + 4 * c - d + between * (3 * (b - c) + d - a))
    return np.asarray((b + between / 2 * (c - a + bent)).sum(axis=(1, 2)))


@lru_cache(maxsize=256)
def _cosines(shape: Shape, factors: Factors) -> Plane:
    """(3, 3, 64): variance of the cosines of Y, Cb and Cr that unit variance at the pixels of R,
    G or B, which come first, makes; of samples where chroma is subsampled.
    """
    spectra = shape.spectra((SIDE, SIDE), TO_YCC)
    found = np.zeros((3, 3, 64))
    for plane in range(3):
        own = spectra[:, plane, plane]
        found[:, plane] = of_blocks(own if plane == 0 else folded(own, factors)).reshape(3, 64)
    found.setflags(write=False)
    return found


def of_blocks(spectra: Plane) -> Plane:
    """(..., rows, columns) of power to (..., 8, 8): variance of the cosines of a block."""
    basis = idct(np.eye(8), axis=1, norm="ortho")
    rows, columns = (
        np.square(np.abs(np.fft.fft(basis, length, axis=1))) / length
        for length in spectra.shape[-2:]
    )
    return np.asarray(rows @ spectra @ columns.T)


def box(side: tuple[int, int], factors: Factors) -> NDArray[np.complex128]:
    """(rows, columns): what the mean of a cell of pixels, at its first one, passes of each
    frequency.
    """
    cell = np.zeros(side)
    cell[: factors[0], : factors[1]] = 1 / (factors[0] * factors[1])
    return np.asarray(np.fft.fft2(cell).conj())


def folded(spectra: Plane, factors: Factors) -> Plane:
    """Power spectra (..., rows, columns) of pixels as those of the means of cells."""
    rows, columns = spectra.shape[-2:]
    passed = spectra * np.square(np.abs(box((rows, columns), factors)))
    tall, wide = factors
    parts = passed.reshape(*spectra.shape[:-2], tall, rows // tall, wide, columns // wide)
    return np.asarray(parts.mean(axis=(-4, -2)))

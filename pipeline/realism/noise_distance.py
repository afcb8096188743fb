"""How far the noise of LR is from that of photographs: AKLD and KLD, at like level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.flat_noise import BINS, LEVELS, FlatNoise
from pairmill.pipeline.realism.interval import around, redrawn
from pairmill.schemas.realism_card import Score

Real = NDArray[np.float64]
Distance = Callable[[FlatNoise, FlatNoise, Real, Real], Real]
"""Distances, (D,), of photographs and LR whose images are there so many times, two (D, I)."""
FEWEST = 100
"""Blocks with noise alone that either side must have: with fewer, faint texture is taken for it."""
DRAWS = 400
PRIOR = 0.5
"""Pixels that are added to every cell of a histogram (Jeffreys), so that none is empty."""


def normal_divergence(made: Real, real: Real) -> Real:
    """KL(N(0, a) || N(0, b)) of log variances: (a / b - 1 - log(a / b)) / 2, in nats."""
    ratio = made - real
    return np.asarray((np.exp(ratio) - 1 - ratio) / 2)


def akld(photographs: FlatNoise, made: FlatNoise, seed: int) -> Score | None:
    """Average Kullback-Leibler divergence of the noise of LR from that of photographs.

    DANet (Yue et al., ECCV 2020) takes noise at a pixel as N(0, sigma^2), with sigma^2 the mean
    square of the noise around it, and averages KL(N(0, sigma_made^2) || N(0, sigma_real^2)) over
    the pixels of clean images that both noises were laid on. Here no photograph is known without
    its noise. So sigma^2 is a function of level and channel instead of the place, measured where
    there is noise alone; the average is over levels as both sides have them in such places
    (geometric mean) and over channels. Noise that depends on texture is not seen, nor is the
    correlation of neighbours.

    Args:
        photographs: Noise of photographs.
        made: Noise of LR.
        seed: Seed of the bootstrap.

    Returns:
        The score; none where the sides have no level in common.
    """
    return _score(photographs, made, seed, _akld)


def kld(photographs: FlatNoise, made: FlatNoise, seed: int) -> Score | None:
    """Kullback-Leibler divergence of histograms of noise, sum of p log(p / q) with p of
    photographs and q of LR (the marginal KL divergence of Noise Flow, Abdelhamed et al., ICCV 2019,
    and of C2N, Jang et al., ICCV 2021).

    They pool all pixels; here histograms (of 0.5 intensity levels) are compared within eighths of
    the range of levels, so that a darker set is not taken for other noise, and averaged as in
    `akld`.
    """
    return _score(photographs, made, seed, _kld)


def _akld(photographs: FlatNoise, made: FlatNoise, times: Real, others: Real) -> Real:
    apart = normal_divergence(made.curves(others), photographs.curves(times))
    levels = _common(photographs.levels, made.levels, times, others)
    return np.asarray((levels * apart).sum(axis=(1, 2)))


def _kld(photographs: FlatNoise, made: FlatNoise, times: Real, others: Real) -> Real:
    shape = (-1, BINS, len(LEVELS) // BINS)
    levels = _common(photographs.levels, made.levels, times, others)
    levels = levels.reshape(len(times), *shape).sum(axis=3)
    p, q = (
        np.einsum("di,icln->dcln", drawn, side.histograms, optimize=True) + PRIOR
        for drawn, side in ((times, photographs), (others, made))
    )
    p, q = p / p.sum(axis=3, keepdims=True), q / q.sum(axis=3, keepdims=True)
    apart = (p * np.log(p / q)).sum(axis=3)
    return np.asarray((levels * apart).sum(axis=(1, 2)))


def _common(real: Real, made: Real, times: Real, others: Real) -> Real:
    """Weights of channels and levels, (D, 3, L), that sum to 1; not a number where the sides have
    no level in common.
    """
    both = np.sqrt(np.einsum("di,icl->dcl", times, real) * np.einsum("di,icl->dcl", others, made))
    total = both.sum(axis=(1, 2), keepdims=True)
    return np.asarray(both / np.where(total > 0, total, np.nan))


def _score(photographs: FlatNoise, made: FlatNoise, seed: int, distance: Distance) -> Score | None:
    """The distance, and its interval over a new choice of source images: those of a name on both
    sides are drawn together.
    """
    names = sorted({*photographs.names, *made.names})
    place = {name: number for number, name in enumerate(names)}
    first, second = ([place[name] for name in side.names] for side in (photographs, made))
    whole = np.ones((1, len(names)))
    value = float(distance(photographs, made, whole[:, first], whole[:, second])[0])
    if not np.isfinite(value):
        return None
    if len(names) == 1:
        return Score(value=round(value, 5))
    times = redrawn(len(names), seed, DRAWS)
    values = distance(photographs, made, times[:, first], times[:, second])
    values = values[np.isfinite(values)]
    low, high = around(value, values, len(names))
    return Score(value=round(value, 5), interval=(round(max(0.0, low), 5), round(high, 5)))

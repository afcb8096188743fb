"""Noise against level: how strong the noise of a camera is where its photographs are dark, and
where they are bright, per channel, and how much photographs differ.

Of all blocks of a level, those of all photographs together, the flattest quarter is taken, by what
their coarse cosines say. Fine cosines hold noise and the rest of the texture, which is a share of
what the coarse ones have beyond noise; the share is common to all levels. So noise is what is left
where texture vanishes. Fits are robust (Huber 1964), for a tree counts as a block too.

The finest cosines have a tenth of the texture that fine ones have. Where that matters, they say how
one level compares with another: noise that is not white is another there, but by one factor at all
levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import Blocks
from pairmill.models.functional.noise_floor import ROUNDING

Floats = NDArray[np.float64]

BINS = 8
"""Levels that are told apart, of equal width from 0 to 256."""
SHARE, FEWEST, MOST = 0.25, 12, 80
"""Share of the blocks of a level that is taken, and the least and largest number of them."""
FEWEST_IN_ALL = 20
"""Blocks of any kind that a level must have, for something to be the flattest of."""
WEIGHT = 2
"""Times its share that one photograph may give to a level."""
SPREAD = 0.12
"""Standard deviation of the variance of one block's noise, relative to it."""
SHARED, SURE = 0.25, 50.0
"""Share of texture in fine cosines that is usual, and how many blocks that is worth."""
MOST_SHARED = 0.9
"""Largest share."""
WRONG = 0.5
"""How far the texture that was taken out may be wrong, relative to it."""
BY_FINE, BY_FINEST = 0.10, 0.18
"""Standard deviation of the variance of one block's noise by its 4 x 49 fine cosines, and by its
4 x 15 finest, relative to it."""
OF_ROUNDING = 0.02
"""Variance that rounding may leave in the finest cosines, or lack, in squared intensity levels."""
STRAIGHT = 0.05
"""How much the slope of variance against level changes from one level to the next, per bin,
relative to the median variance: sensors are straight lines, tone curves bend them."""
ROUNDS = 30
ODD = 2.0
"""Spreads beyond which the strength of a photograph is not believed."""
DIFFERS = 0.3
"""Standard deviation of the logarithm of photographs' noise, before anything is seen."""


@dataclass(frozen=True)
class LevelNoise:
    """The noise of one channel at one level."""

    level: float
    """Mean of its flat blocks, in intensity levels, 0 to 255."""
    std: float
    """Standard deviation of the noise before rounding and JPEG, in intensity levels."""
    blocks: int
    """Flat blocks that it was measured on."""


@dataclass(frozen=True, eq=False)
class NoiseLevels:
    """The noise of a camera."""

    channels: tuple[tuple[LevelNoise, ...], tuple[LevelNoise, ...], tuple[LevelNoise, ...]]
    """Of R, G and B, by rising level; levels with too few blocks are left out."""
    strengths: Floats
    """Standard deviation of each photograph's noise relative to the camera's, at like levels,
    shrunk to 1 as far as its blocks are few."""

    @property
    def spread(self) -> float:
        """How much photographs usually differ: standard deviation of the logarithm of their
        strengths, from the median absolute deviation, for a photograph without any flat part may
        read a hundred times too weak.
        """
        if not len(self.strengths):
            return 0.0
        logarithms = np.log(self.strengths)
        return 1.4826 * float(np.median(np.abs(logarithms - np.median(logarithms))))

    @property
    def by_luma(self) -> bool:
        """Whether it was told from luma, which speaks for all channels."""
        return self.channels[0] == self.channels[1] == self.channels[2]

    def usual_strengths(self) -> Floats:
        """`strengths`, those that are odd brought as near as `ODD` usual spreads."""
        away = ODD * self.spread
        return np.asarray(np.exp(np.clip(np.log(self.strengths), -away, away)))

    def curves(self) -> Floats:
        """(3, 256): standard deviation at every level, beyond the first and the last known level
        as there; 1 where nothing is known.
        """
        rows = []
        for channel in self.channels:
            known = channel or next((other for other in self.channels if other), ())
            levels, deviations = [one.level for one in known], [one.std for one in known]
            rows.append(np.interp(np.arange(256), levels, deviations) if known else np.ones(256))
        return np.stack(rows)


def noise_by_level(photographs: Sequence[Blocks], min_blocks: int = FEWEST_IN_ALL) -> NoiseLevels:
    """Noise against level.

    Args:
        photographs: Blocks of photographs of one camera.
        min_blocks: Fewest blocks, flat or not, of a level that is measured.
    """
    if not photographs:
        return NoiseLevels(((), (), ()), np.zeros(0))
    whose = np.repeat(np.arange(len(photographs)), [len(one) for one in photographs])
    whole = Blocks(
        np.concatenate([one.level for one in photographs]),
        np.concatenate([one.noise for one in photographs]),
        np.concatenate([one.finest for one in photographs]),
        np.concatenate([one.texture for one in photographs]),
    )
    (red, _), (green, share), (blue, _) = (
        _channel(whole, number, whose, min_blocks) for number in range(3)
    )
    found = NoiseLevels((red, green, blue), np.ones(len(photographs)))
    if not green:
        return found
    variance = np.square(found.curves()[1])
    return replace(found, strengths=_strengths(photographs, variance, share))


def _channel(
    whole: Blocks, channel: int, whose: NDArray[np.intp], min_blocks: int
) -> tuple[tuple[LevelNoise, ...], float]:
    """The noise of a channel, and the share of texture in fine cosines."""
    level, noise, finest = (
        column[:, channel] for column in (whole.level, whole.noise, whole.finest)
    )
    chosen = _flat_blocks(level, noise, whole.texture, whose, min_blocks)
    if not chosen:
        return (), SHARED
    flat = np.concatenate(chosen)
    of = np.repeat(np.arange(len(chosen)), [len(rows) for rows in chosen])
    at = np.array([level[rows].mean() for rows in chosen])
    texture, counts = whole.texture[flat], np.bincount(of)
    fine, share = _where_texture_vanishes(noise[flat], texture, of)
    finest_of, less = _where_texture_vanishes(finest[flat], texture, of)
    left = np.array([np.median(texture[of == one]) for one in range(len(at))])
    beyond = np.maximum(left - fine, 0) * WRONG
    variance = _of_both(
        (fine, np.hypot(share * beyond / fine, BY_FINE / np.sqrt(counts))),
        (finest_of, _unsure_of_finest(finest_of, less * beyond, counts)),
    )
    found = zip(at, _straightened(variance, at, counts), counts, strict=True)
    return tuple(
        LevelNoise(float(place), float(v**0.5), int(many)) for place, v, many in found
    ), share


def _flat_blocks(
    level: Floats, noise: Floats, texture: Floats, whose: NDArray[np.intp], min_blocks: int
) -> list[NDArray[np.intp]]:
    """Of each level that has blocks enough, the flattest, none of which JPEG has silenced."""
    chosen = []
    for number in range(BINS):
        low, high = (256 / BINS * end for end in (number, number + 1))
        inside = np.flatnonzero((level >= low) & (level < high))
        if len(inside) < min_blocks:
            continue
        ascending = inside[np.argsort(texture[inside], kind="stable")]
        flat = _shared(ascending, whose)
        heard = np.isfinite(noise[flat])
        # Where JPEG left nothing in most of them, the rest are the loudest, not the usual.
        if 2 * heard.sum() >= len(flat):
            chosen.append(flat[heard])
    return chosen


def _shared(ascending: NDArray[np.intp], whose: NDArray[np.intp]) -> NDArray[np.intp]:
    """The flattest blocks of a level, of no photograph more than `WEIGHT` times its share."""
    wanted = min(max(FEWEST, int(SHARE * len(ascending))), MOST)
    owners = whose[ascending]
    _, counts = np.unique(owners, return_counts=True)
    grouped = np.argsort(owners, kind="stable")
    rank = np.empty(len(owners), int)  # among the blocks of its photograph
    rank[grouped] = np.concatenate([np.arange(count) for count in counts])
    return np.asarray(ascending[rank < -(-WEIGHT * wanted // len(counts))][:wanted])


def _where_texture_vanishes(
    noise: Floats, texture: Floats, of: NDArray[np.intp]
) -> tuple[Floats, float]:
    """Variance of the noise of each level, and the share of texture in fine cosines."""
    number = int(of.max()) + 1
    variance = np.array([np.median(noise[of == one]) for one in range(number)])
    share = SHARED
    for _ in range(ROUNDS):
        beyond = np.maximum(texture - variance[of], 0.0)
        expected = variance[of] + share * beyond
        scale = SPREAD * expected + 1e-3
        away = np.abs(noise - expected)
        weight = np.minimum(1.0, scale / np.maximum(away, 1e-9)) / scale**2
        total = np.bincount(of, weight)
        found = np.bincount(of, weight * (noise - share * beyond)) / total
        slope = (weight * beyond) @ (noise - variance[of]) + SHARED * SURE
        share = float(np.clip(slope / ((weight * beyond) @ beyond + SURE), 0, MOST_SHARED))
        variance = np.maximum(found, 0.01)
    return variance, share


def _unsure_of_finest(found: Floats, texture: Floats, counts: NDArray[np.intp]) -> Floats:
    """Standard deviation of the logarithm of what the finest cosines find: soft noise has hardly
    anything there beside rounding.
    """
    chance = BY_FINEST * (1 + ROUNDING / found) / np.sqrt(counts)
    return np.asarray(np.hypot(np.hypot(texture, OF_ROUNDING) / found, chance))


def _of_both(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """Variances of levels by two measures, each with the standard deviations of its logarithms, of
    which the other has a factor of its own.
    """
    (variance, unsure), (scaled, as_unsure) = one, other
    trust = 1 / (np.square(unsure) + np.square(as_unsure))
    factor = math.exp(trust @ np.log(scaled / variance) / trust.sum())
    weight = np.square(as_unsure) / (np.square(unsure) + np.square(as_unsure))
    return np.asarray(variance**weight * (scaled / factor) ** (1 - weight))


def _straightened(variance: Floats, at: Floats, counts: NDArray[np.intp]) -> Floats:
    """Variances that bend no more than sensors' do, where blocks are few."""
    if len(at) < 3:
        return variance
    place, rows = at / (256 / BINS), np.arange(len(at) - 2)
    before, after = 1 / np.diff(place)[:-1], 1 / np.diff(place)[1:]
    bend = np.zeros((len(rows), len(at)))
    bend[rows, rows], bend[rows, rows + 1], bend[rows, rows + 2] = before, -before - after, after
    trust = np.diag(2 * counts / variance**2)
    stiff = bend.T @ bend / (STRAIGHT * np.median(variance)) ** 2
    return np.asarray(np.maximum(np.linalg.solve(trust + stiff, trust @ variance), 0.01))


def _strengths(photographs: Sequence[Blocks], variance: Floats, share: float) -> Floats:
    """Of each photograph, from the median of its own flattest blocks, in G, drawn to 1 by empirical
    Bayes.

    Args:
        photographs: The blocks of each.
        variance: (256,): of the camera's noise in G.
        share: of texture in fine cosines.
    """
    own, error = np.zeros(len(photographs)), np.full(len(photographs), np.inf)
    for number, one in enumerate(photographs):
        flat = np.argsort(one.texture, kind="stable")[: max(FEWEST, int(SHARE * len(one)))]
        flat = flat[np.isfinite(one.noise[flat, 1])]
        if len(flat) >= FEWEST:
            noise, texture = one.noise[flat, 1], one.texture[flat]
            # Of noise = v + share (texture - v), the v; where texture is all noise, noise.
            alone = np.minimum(noise, (noise - share * texture) / (1 - share))
            usual = variance[np.rint(one.level[flat, 1]).astype(int)]
            ratio = float(np.median(alone / usual))
            own[number] = np.log(max(ratio, 1e-4)) / 2
            error[number] = 1.25 * SPREAD / len(flat) ** 0.5
    heard = np.isfinite(error)
    if heard.sum() < 2:
        return np.ones(len(photographs))
    differs = (np.square(own[heard]).sum() + DIFFERS**2) / (heard.sum() + 1)
    return np.asarray(np.exp(np.where(heard, own * differs / (differs + np.square(error)), 0.0)))

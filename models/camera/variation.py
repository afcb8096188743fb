"""How a camera's blur varies within its photographs: how much wider it is in one part than on all
of it.

Each photograph is asked of each of its parts by itself how wide the blur is there, and on all of it
the same way; the difference is free of most of what is unusual about its scene. What photographs
say of a part differs, for parts show different things, so a part's stretch is their common location
(a t distribution, whose scale they tell: odd photographs count little), and its deviation
follows from how far they differ. Stretches are then shrunk to 0 as far as they are no larger, all
together, than their deviations (empirical Bayes; Morris, JASA 1983).

What photographs have in common beside their camera is taken for it: a subject in the middle of all
of them makes corners look soft. By how much sharp pictures do so is part of the deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.estimate import TAILS, each_alone, settled
from pairmill.models.camera.forms import COUNT, PULL, Blur
from pairmill.models.camera.match import Matched, match
from pairmill.models.camera.model import Model
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.robust import RobustCamera
from pairmill.models.camera.scenes import Scenes, built_in

Array = NDArray[np.float64]

FEWEST = 4
"""Photographs from which on their parts are compared."""
USUAL_SPREAD, SPREAD_WEIGHT = 0.1, 4.0
"""By how much what one photograph says of a part differs from what others say, where too few say
so, and how many photographs that counts as."""
BEYOND_CELLS, BEYOND_CHANNELS = 0.03, 0.015
"""By how much (standard deviation) cells of the field, and channels, of a camera without any
variation were off beyond what photographs differ by: they share what lies where."""
USUAL_STRETCH, STRETCH_WEIGHT = 0.03, 2.0
"""By how much parts usually differ, and how many parts that counts as."""
MOST_UNSURE = 0.1
"""Deviation by the model from which on a part shows too little: of sky that drowns in noise the
model takes the lack of detail for a sharp blur of next to nothing."""
UNKNOWN = 1e6
"""Variance of what such a part says."""
ROUNDS = 100
"""Of expectation maximisation."""


@dataclass(frozen=True, eq=False)
class Variation:
    """How much wider a blur is in each part of the photographs."""

    stretches: Array
    """(p,): logarithms of the width in each part over that on all of a photograph."""
    deviations: Array
    """(p,): their standard deviations."""
    photographs: int
    """How many told it."""


def variation(
    robust: RobustCamera,
    photographs: Sequence[PhotographSpectrum],
    parts: Sequence[Sequence[PhotographSpectrum]],
    beyond: float,
    scenes: Scenes | None = None,
) -> Variation | None:
    """How the blur of a camera varies over the parts of its photographs; none if too few tell.

    Args:
        robust: the camera.
        photographs: all that it was asked of.
        parts: the parts of each, equally many; none of a photograph that is not divided.
        beyond: `BEYOND_CELLS` or `BEYOND_CHANNELS`.
        scenes: what the camera was estimated with.
    """
    taking = list(zip(robust.taking_part, each_alone(robust.camera.matched), strict=True))
    telling = [(number, start) for number, start in taking if parts[number]]
    if len(telling) < FEWEST:
        return None
    model = settled(Model(scenes or built_in()), robust.camera.matched)
    found = [
        _differences(
            model, robust.camera.photographs[number].blur, photographs[number], parts[number], start
        )
        for number, start in telling
    ]
    away, unsure = (np.array(values) for values in zip(*found, strict=True))
    middle, chance = _located(away, unsure)
    stretches, variances = _shrunk(middle, chance + beyond**2)
    return Variation(stretches, np.sqrt(variances), len(telling))


def _differences(
    model: Model,
    blur: Blur,
    whole: PhotographSpectrum,
    parts: Sequence[PhotographSpectrum],
    start: Matched,
) -> tuple[Array, Array]:
    """(p,) each: by how much the parts of one photograph are wider than all of it, and the variance
    of that.
    """
    prior = (blur.values, np.ones(COUNT))
    alone = [
        match(model, [spectrum], blur, (PULL,), most=10, warm=start, prior=prior)
        for spectrum in (whole, *parts)
    ]
    widths = np.array([one.blur.values[PULL] for one in alone])
    variances = np.array([1 / one.information[0, 0] for one in alone])
    told = variances[1:] < MOST_UNSURE**2
    return widths[1:] - widths[0], np.where(told, variances[1:], UNKNOWN)


def _located(away: Array, unsure: Array) -> tuple[Array, Array]:
    """(p,) each: what photographs agree on of each part, and its variance.

    Args:
        away: (n, p), what each photograph says.
        unsure: (n, p), the variance of that.
    """
    usual, count = USUAL_SPREAD**2, len(away)
    scale, tails = np.full(away.shape[1], usual), np.ones_like(away)
    middle = np.average(away, 0, 1 / (usual + unsure))
    for _ in range(ROUNDS):
        variances = 1 / (tails / scale + 1 / unsure)
        means = variances * (tails / scale * middle + away / unsure)
        middle = (tails * means).sum(0) / tails.sum(0)
        squares = np.square(means - middle) + variances
        scale = ((tails * squares).sum(0) + SPREAD_WEIGHT * usual) / (count + SPREAD_WEIGHT)
        tails = (TAILS + 1) / (TAILS + squares / scale)
    return middle, 1 / (1 / (scale / tails + unsure)).sum(0)


def _shrunk(middle: Array, variances: Array) -> tuple[Array, Array]:
    """The same, as far as all parts together insist on it."""
    usual = STRETCH_WEIGHT * USUAL_STRETCH**2
    spread = USUAL_STRETCH**2
    for _ in range(ROUNDS):
        kept = spread / (spread + variances)
        squares = np.square(kept * middle) + kept * variances
        spread = float((squares.sum() + usual) / (len(middle) + STRETCH_WEIGHT))
    return kept * middle, kept * variances

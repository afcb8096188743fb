"""The blur of a camera, and of each of its photographs, from power spectra alone.

First the camera: one blur for all photographs of a group, its form chosen by evidence, from a
Gaussian on, by adding what the photographs insist on. Then each photograph: how much wider or
narrower, and in which direction, its own spectrum says it is, shrunk towards the camera as far as
photographs of this camera differ (empirical Bayes: the spread of the differences is estimated from
all of them; Morris, JASA 1983), with heavy tails, so that one shaken photograph keeps its shake.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.forms import CENTRE, PULL, SPREAD, Blur, P
from pairmill.models.camera.match import Matched, Model, match
from pairmill.models.camera.photograph import ROUNDING, PhotographSpectrum
from pairmill.models.camera.scenes import Scenes, built_in

Array = NDArray[np.float64]

INSIST = 25.0
"""By how much twice the logarithm of the evidence must rise for a more elaborate form. On
photographs of Gaussian cameras it rose by up to 24 by chance, on those of discs, lines and
sharpening by 50 and more."""
FREE_PROFILE_FROM = 8
"""Photographs from which on the form may differ from all named ones."""
MOST_MENDED = 0.5
"""Largest logarithm that the free factor may have."""
GAUSSIAN = (P.SIZE, P.UPRIGHT, P.OBLIQUE)
PULLED = (PULL, PULL + 1, PULL + 2)
USUAL_DIFFERENCE = np.array([0.02, 0.015, 0.015])
"""By how much photographs of one camera usually differ, where too few say so."""
USUAL_WEIGHT = 2.0
"""How many photographs that counts as."""
TAILS = 4.0
"""Degrees of freedom of the distribution of differences."""


@dataclass(frozen=True, eq=False)
class PhotographBlur:
    """The blur of one photograph."""

    blur: Blur
    covariance: Array
    """(3, 3): of its three `PULL` parameters, given the camera."""
    noise: float
    """Variance of its noise, in squared intensity levels."""
    misfit: float
    """Root mean square difference of its spectrum from what is expected of it, in dB."""


@dataclass(frozen=True, eq=False)
class CameraBlur:
    """The blur of a camera."""

    form: tuple[str, ...]
    """What it is made of: `gaussian` and further names of `ADDITIONS`."""
    matched: Matched
    """The blur of all photographs together."""
    differences: Array
    """(3,): standard deviations of the photographs' `PULL` parameters."""
    photographs: tuple[PhotographBlur, ...]
    """In the order in which they were given."""

    @property
    def blur(self) -> Blur:
        """The blur of the camera."""
        return self.matched.blur


@dataclass(frozen=True)
class Addition:
    """Something that a blur may have besides a Gaussian."""

    name: str
    values: tuple[dict[int, float], ...]
    """Where to start; several, where there are several valleys."""
    free: tuple[int, ...]
    narrows: bool = False
    """Whether it takes the place of the Gaussian, which starts small beside it."""
    photographs: int = 1
    """How many photographs it takes to tell."""


ADDITIONS = (
    Addition("disc", tuple({P.DISC: r} for r in (1.5, 2.2, 3.0)), (P.DISC,), narrows=True),
    Addition(
        "line",
        tuple({P.LINE: 5.0, P.ANGLE: quarter * math.pi / 4} for quarter in range(4)),
        (P.LINE, P.ANGLE),
        narrows=True,
    ),
    Addition("sharpened", ({P.AMOUNT: 0.7, P.RADIUS: 0.0},), (P.AMOUNT, P.RADIUS)),
    Addition("profile", ({},), tuple(range(P.PROFILE, PULL)), photographs=FREE_PROFILE_FROM),
)
NARROW = 2 * math.log(0.7)
"""Size of the Gaussian beside a disc or a line, to start with."""


def estimate(photographs: Sequence[PhotographSpectrum], scenes: Scenes | None = None) -> CameraBlur:
    """The blur of the camera of some photographs, and of each of them.

    Args:
        photographs: of one camera; at least one.
        scenes: what HR looks like that the blur will be put on; sharp pictures without it.
    """
    model = Model(scenes or built_in())
    form, found = _form(model, photographs)
    differences, own = _differences(model, photographs, found)
    return CameraBlur(form, found, differences, own)


def _form(
    model: Model, photographs: Sequence[PhotographSpectrum]
) -> tuple[tuple[str, ...], Matched]:
    """The simplest form that no other beats by `INSIST`."""
    best = match(model, photographs, Blur(CENTRE), GAUSSIAN)
    names: tuple[str, ...] = ("gaussian",)
    while True:
        tried = [
            (addition.name, _with(model, photographs, best, addition))
            for addition in ADDITIONS
            if _possible(addition, names, len(photographs))
        ]
        likely = [one for one in tried if _within_reason(one[1].blur)]
        if not likely:
            break
        name, better = min(likely, key=lambda one: one[1].evidence)
        if better.evidence > best.evidence - INSIST:
            break
        names, best = (*names, name), better
    if "sharpened" in names:
        best = _noise_sharpened(model, photographs, best)
    return names, best


def _within_reason(blur: Blur) -> bool:
    """Whether the free factor only mends the form, instead of standing in for another."""
    return bool(np.abs(blur.values[P.PROFILE : PULL]).max() < MOST_MENDED)


def _possible(addition: Addition, names: tuple[str, ...], count: int) -> bool:
    """Whether a form may have an addition."""
    shapes = {"disc", "line"}
    excluded = shapes if addition.name in shapes else {addition.name}
    return not excluded & set(names) and count >= addition.photographs


def _with(
    model: Model, photographs: Sequence[PhotographSpectrum], best: Matched, addition: Addition
) -> Matched:
    """The best blur of the present form and an addition."""
    tried = []
    for start in addition.values:
        values = best.blur.values.copy()
        if addition.narrows:
            values[list(GAUSSIAN)] = NARROW, 0, 0
        for place, value in start.items():
            values[place] = value
        free = (*best.free, *addition.free)
        tried.append(match(model, photographs, replace(best.blur, values=values), free, warm=best))
    return min(tried, key=lambda one: one.evidence)


def _noise_sharpened(
    model: Model, photographs: Sequence[PhotographSpectrum], best: Matched
) -> Matched:
    """The same, if the noise was sharpened with the picture, and there is noise to tell it by."""
    if np.median([photograph.noise for photograph in photographs]) < 4 * ROUNDING:
        return best
    other = match(
        model, photographs, replace(best.blur, noise_sharpened=True), best.free, warm=best
    )
    return min(best, other, key=lambda one: one.evidence)


def _differences(
    model: Model, photographs: Sequence[PhotographSpectrum], found: Matched
) -> tuple[Array, tuple[PhotographBlur, ...]]:
    """How far photographs differ, and each of them."""
    if len(photographs) == 1:
        noise = math.exp(found.own[0][-1])
        only = PhotographBlur(found.blur, np.zeros((3, 3)), noise, found.misfit[0])
        return np.zeros(3), (only,)
    # What all scenes of this group share was found together; no photograph need find it again.
    alike = Model(_shifted(model, found.common))
    places, before = list(PULLED), 1 / np.square(SPREAD[list(PULLED)])
    alone = [
        match(alike, [photograph], found.blur, PULLED, most=10, warm=_only(found, number))
        for number, photograph in enumerate(photographs)
    ]
    slopes = np.array([one.information @ one.blur.values[places] for one in alone])
    likelihoods = np.array([one.information - np.diag(before) for one in alone])
    spread, means, covariances = _empirical_bayes(slopes, likelihoods)
    own: list[PhotographBlur] = []
    for one, mean, covariance in zip(alone, means, covariances, strict=True):
        values = found.blur.values.copy()
        values[places] = mean
        blur = replace(found.blur, values=values)
        noise = math.exp(one.own[0][-1])
        own.append(PhotographBlur(blur, covariance, noise, one.misfit[0]))
    return spread, tuple(own)


def _empirical_bayes(slopes: Array, likelihoods: Array) -> tuple[Array, Array, Array]:
    """Standard deviations of differences (3,), and of each photograph the mean (n, 3) and
    covariance (n, 3, 3), by expectation maximisation.

    Args:
        slopes: (n, 3), precision times mean of each likelihood.
        likelihoods: (n, 3, 3), precisions.
    """
    count = len(slopes)
    variance, tails = 4 * np.square(USUAL_DIFFERENCE), np.ones(count)
    for _ in range(100):
        covariances = np.linalg.inv(likelihoods + tails[:, None, None] * np.diag(1 / variance))
        means = np.einsum("nij,nj->ni", covariances, slopes)
        square = np.square(means) + np.diagonal(covariances, axis1=1, axis2=2)
        tails = (TAILS + 3) / (TAILS + (square / variance).sum(1))
        usual = USUAL_WEIGHT * np.square(USUAL_DIFFERENCE)
        variance = ((tails[:, None] * square).sum(0) + usual) / (count + USUAL_WEIGHT)
    return np.sqrt(variance), means, np.asarray(covariances)


def _shifted(model: Model, common: Array) -> Scenes:
    _, axes = model.scenes.axes
    return replace(model.scenes, mean=model.scenes.mean + axes @ common, pictures=1e6)


def _only(found: Matched, number: int) -> Matched:
    """The match of all photographs as a start for one of them."""
    own = found.own[number].copy()
    own[:-1] -= found.common
    return replace(found, own=(own,), common=np.zeros_like(found.common))

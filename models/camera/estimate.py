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
from pairmill.models.camera.match import Matched, match
from pairmill.models.camera.model import Model
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.scenes import Scenes, built_in
from pairmill.models.functional.noise_floor import ROUNDING

Array = NDArray[np.float64]

INSIST, INSIST_EACH = 6.0, 1.0
"""By how much twice the logarithm of the evidence must rise for a more elaborate form, and how much
more with each photograph: what the model does not know of scenes adds up with them. On twelve
photographs of Gaussian cameras, without noise, with noise 4 and with noise 2 and JPEG 92, it rose
by up to 10 by chance, on those of lines and sharpening by 33 and more."""
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
NOTICED = 0.06
"""Differences from which on photographs are pulled apart before their common form is looked for."""
ENOUGH = 8
"""Photographs at most that it is then looked for with."""
APART = 25.0
"""By how much that must raise twice the logarithm of the evidence, for each photograph."""
MOST_DIFFERENT = 0.8
"""Largest logarithm by which a photograph may differ."""
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
    first = match(model, photographs, Blur(CENTRE), GAUSSIAN)
    if len(photographs) == 1:
        form, found = _form(model, photographs, first, None)
        noise = math.exp(found.own[0][-1])
        only = PhotographBlur(found.blur, np.zeros((3, 3)), noise, found.misfit[0])
        return CameraBlur(form, found, np.zeros(3), (only,))
    pulls = np.zeros((len(photographs), 3))
    form, found = _form(model, photographs, first, pulls)
    spread, own = _differences(model, photographs, found, pulls)
    if spread.max() > NOTICED:
        # Photographs of two blurs look like none of the forms: pull them apart, and look again.
        _, gaussians = _differences(model, photographs, first, pulls)
        pulls = np.array([one.blur.values[PULL:] for one in gaussians])
        other_form, other = _form_of_some(model, photographs, pulls)
        if other.evidence < found.evidence - APART * len(photographs):
            form, found = other_form, other
            spread, own = _differences(model, photographs, found, pulls)
    return CameraBlur(form, found, spread, own)


def _form(
    model: Model, photographs: Sequence[PhotographSpectrum], best: Matched, pulls: Array | None
) -> tuple[tuple[str, ...], Matched]:
    """The simplest form that no other beats by what is insisted on, from a Gaussian on."""
    names: tuple[str, ...] = ("gaussian",)
    while True:
        tried = [
            (addition.name, _with(model, photographs, best, addition, pulls))
            for addition in ADDITIONS
            if _possible(addition, names, len(photographs))
        ]
        likely = [one for one in tried if _within_reason(one[1].blur)]
        if not likely:
            break
        name, better = min(likely, key=lambda one: one[1].evidence)
        if better.evidence > best.evidence - INSIST - INSIST_EACH * len(photographs):
            break
        names, best = (*names, name), better
    return names, best


def _form_of_some(
    model: Model, photographs: Sequence[PhotographSpectrum], pulls: Array
) -> tuple[tuple[str, ...], Matched]:
    """The form of photographs that are pulled apart, looked for with some of them, for each takes
    as long as all that are alike; and its match to all of them.
    """
    chosen = range(0, len(photographs), math.ceil(len(photographs) / ENOUGH))
    some, pulled = [photographs[number] for number in chosen], pulls[list(chosen)]
    first = match(model, some, Blur(CENTRE), GAUSSIAN, pulls=pulled)
    form, found = _form(model, some, first, pulled)
    if len(some) < len(photographs):
        found = match(model, photographs, found.blur, found.free, pulls=pulls)
    return form, found


def _within_reason(blur: Blur) -> bool:
    """Whether the free factor only mends the form, instead of standing in for another."""
    return bool(np.abs(blur.values[P.PROFILE : PULL]).max() < MOST_MENDED)


def _possible(addition: Addition, names: tuple[str, ...], count: int) -> bool:
    """Whether a form may have an addition: none on top of the free factor, which is there because
    no named form says what is seen; what one mends after that is scenes.
    """
    if "profile" in names:
        return False
    shapes = {"disc", "line"}
    excluded = shapes if addition.name in shapes else {addition.name}
    return not excluded & set(names) and count >= addition.photographs


def _with(
    model: Model,
    photographs: Sequence[PhotographSpectrum],
    best: Matched,
    addition: Addition,
    pulls: Array | None,
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
        begun = replace(best.blur, values=values)
        found = match(model, photographs, begun, free, warm=best, pulls=pulls)
        if addition.name == "sharpened":
            found = _noise_sharpened(model, photographs, found, pulls)
        tried.append(found)
    return min(tried, key=lambda one: one.evidence)


def _noise_sharpened(
    model: Model, photographs: Sequence[PhotographSpectrum], best: Matched, pulls: Array | None
) -> Matched:
    """The same, if the noise was sharpened with the picture, and there is noise to tell it by."""
    if np.median([photograph.noise for photograph in photographs]) < 4 * ROUNDING:
        return best
    begun = replace(best.blur, noise_sharpened=True)
    other = match(model, photographs, begun, best.free, warm=best, pulls=pulls)
    return min(best, other, key=lambda one: one.evidence)


def _differences(
    model: Model, photographs: Sequence[PhotographSpectrum], found: Matched, pulls: Array
) -> tuple[Array, tuple[PhotographBlur, ...]]:
    """How far photographs differ (3,), and each of them; `pulls` (n, 3) is where to begin."""
    # What all scenes of this group share was found together; no photograph need find it again.
    alike = settled(model, found)
    places, before = list(PULLED), 1 / np.square(SPREAD[list(PULLED)])
    alone = [
        match(alike, [photograph], _pulled(found.blur, pull), PULLED, most=10, warm=warm)
        for photograph, pull, warm in zip(photographs, pulls, each_alone(found), strict=True)
    ]
    slopes = np.array([one.information @ one.blur.values[places] for one in alone])
    likelihoods = np.array([one.information - np.diag(before) for one in alone])
    spread, means, covariances = _empirical_bayes(slopes, likelihoods)
    own = [
        PhotographBlur(_pulled(found.blur, mean), covariance, math.exp(one.own[0][-1]), misfit)
        for one, mean, covariance, (misfit,) in zip(
            alone, means, covariances, [one.misfit for one in alone], strict=True
        )
    ]
    return spread, tuple(own)


def _pulled(blur: Blur, pull: Array) -> Blur:
    values = blur.values.copy()
    values[PULL:] = pull
    return replace(blur, values=values)


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
    means = np.clip(means, -MOST_DIFFERENT, MOST_DIFFERENT)
    # The standard deviation of heavy tails, beyond their scale.
    spread = np.sqrt(variance * TAILS / (TAILS - 2))
    return spread, means, np.asarray(covariances)


def settled(model: Model, found: Matched) -> Model:
    """The same model of scenes, with what the scenes of a group were found to share."""
    _, axes = model.scenes.axes
    mean = model.scenes.mean + axes @ found.common
    return Model(replace(model.scenes, mean=mean, pictures=1e6))


def each_alone(found: Matched) -> list[Matched]:
    """The match of all photographs as a start for each of them, in a `settled` model."""
    starts = []
    for values in found.own:
        own = values.copy()
        own[:-1] -= found.common
        starts.append(replace(found, own=(own,), common=np.zeros_like(found.common)))
    return starts

"""Match a blur to photographs: one blur, with a scene and a noise of each photograph's own.

The model of a photograph's power spectrum P at frequency f of its pixels is

    log P(f) = log( sum over aliases of |K|^2 S + v |N|^2 + d / 2 ) + error,

with the transfer function K that is looked for, the scene's spectrum S (a Gaussian in the
logarithm, see `scenes`), the noise v and what it went through, N, and what JPEG added, d / 2 (about
half of what it changed shows as power, and less where it changed nearly all: measured). Behind
JPEG whose steps noise is seen through, `floors` stand for noise and JPEG together. K is common
to all; everything of one photograph is eliminated from the normal equations (Levenberg-Marquardt
with the Schur complement). The common part of the scenes has a prior of its own, since the mean
scene is known from a few dozen pictures only: more photographs do not make the estimate surer than
that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE
from pairmill.models.camera.floors import added
from pairmill.models.camera.forms import BELIEVED, BEYOND, LONGEST_STEP, PULL, SPREAD, Blur
from pairmill.models.camera.model import Model
from pairmill.models.camera.photograph import ROUNDING_OF_COLOUR, PhotographSpectrum
from pairmill.models.functional.noise_floor import ROUNDING

Array = NDArray[np.float64]

NOISE_SPREAD = 0.2
"""Standard deviation of the logarithm of the noise about that of the flat parts."""
TEXTURE = 0.3
"""Variance that texture may add to the noise of the flattest parts, in squared intensity levels."""
NOISE_SPREAD_COMPRESSED = 1.5
"""The same of a compressed photograph, whose flat parts lost theirs."""
JPEG_ERROR = 0.6
"""Error of a log spectrum where JPEG changed as much as there is."""
ROUNDING_ERROR = 0.7
"""Error of a log spectrum where the rounding to 8 bits is all there is: it is white only where
there is noise or detail. More than that keeps discs and lines out that are not there, but takes
much of what little a real camera without noise says."""
NOISE_ERROR = 0.05
"""The same where noise is all there is."""
DECIBELS = 10 / math.log(10)
STEP = 1e-3
"""Step of numerical derivatives."""
LONGEST_OWN_STEP = 1.0
"""Of the logarithm of a photograph's noise."""


@dataclass(frozen=True, eq=False)
class Matched:
    """A blur with the photographs' own scenes and noises."""

    blur: Blur
    cost: float
    """Twice the negative logarithm of the posterior density, up to a constant."""
    free: tuple[int, ...]
    """Parameters of the blur that were fitted."""
    information: Array
    """(free, free): half the second derivative of `cost`, everything else eliminated."""
    own: tuple[Array, ...]
    """(q + 1,) per photograph: weights of its scene, and the logarithm of its noise."""
    common: Array
    """(q,): weights that all scenes share."""
    misfit: tuple[float, ...]
    """Root mean square difference of each photograph's spectrum from what is expected of it, in
    dB."""

    @property
    def evidence(self) -> float:
        """Twice the negative logarithm of the evidence of this set of free parameters
        (Laplace's approximation); smaller is better.
        """
        free = list(self.free)
        _, logarithm = np.linalg.slogdet(self.information)
        return self.cost + float(logarithm + 2 * np.log(SPREAD[free]).sum())

    @property
    def covariance(self) -> Array:
        """(free, free) of the free parameters, with what cameras of known blur were off beyond the
        information.
        """
        found = np.linalg.inv(self.information)
        return np.asarray(found + np.diag(np.square(BEYOND[list(self.free)])))


@dataclass(frozen=True, eq=False)
class _Data:
    """A photograph as the fit sees it."""

    logs: Array
    weights: Array
    floors: Array | None
    jpeg: Array
    """What JPEG added besides, where floors do not have it."""
    noise: float
    precision: Array
    """(q + 1,): of the photograph's own scene and noise."""
    pull: Array
    """(3,): by how much its blur is pulled apart, beside the common one."""


@dataclass(frozen=True, eq=False)
class _Slopes:
    """|K|^2 and |N|^2 of a blur, and their derivatives by its free parameters."""

    power: Array
    powers: Array
    shape: Array | float
    shapes: list[Array | float]


def match(
    model: Model,
    photographs: Sequence[PhotographSpectrum],
    start: Blur,
    free: Sequence[int],
    *,
    most: int = 30,
    warm: Matched | None = None,
    pulls: Array | None = None,
    prior: tuple[Array, Array] = (BELIEVED, SPREAD),
) -> Matched:
    """The blur, from `start` on and in its `free` parameters, with which photographs are likeliest.

    Args:
        model: what scenes are like.
        photographs: of one camera.
        start: where to begin; parameters that are not free stay.
        free: parameters that are fitted, see `forms.P`.
        most: iterations at most.
        warm: a match of the same photographs, whose scenes are begun with.
        pulls: (n, 3), what each photograph's `PULL` parameters are beyond the common ones; 0
            without them.
        prior: mean and standard deviation of the parameters.
    """
    if pulls is None:
        pulls = np.zeros((len(photographs), 3))
    return _Fit(model, photographs, tuple(free), pulls, prior).run(start, most, warm)


class _Fit:
    def __init__(
        self,
        model: Model,
        photographs: Sequence[PhotographSpectrum],
        free: tuple[int, ...],
        pulls: Array,
        prior: tuple[Array, Array],
    ) -> None:
        self.model, self.free = model, list(free)
        self.count = len(photographs)
        self.data = [
            self._datum(photograph, pull)
            for photograph, pull in zip(photographs, pulls, strict=True)
        ]
        self.alike = not pulls.any()
        self.centre, self.spread = (values[self.free] for values in prior)
        self.common_precision = model.scenes.pictures / model.variances

    def _datum(self, photograph: PhotographSpectrum, pull: Array) -> _Data:
        model, inside = self.model, self.model.compared
        power = np.maximum(photograph.power, 1e-6)
        jpeg = photograph.distortion / power
        # What the smooth functions miss is partly the same in all scenes, like the mean.
        error = model.error * (1 + self.count / model.scenes.pictures) + np.square(
            JPEG_ERROR * jpeg * (1 + jpeg)
        )
        error = error + np.square(ROUNDING_ERROR * ROUNDING / power)
        floor, _ = added(photograph.floors, photograph.noise)
        error = error + np.square(NOISE_ERROR * np.minimum(floor / power, 1))
        if photograph.floors is None:
            # As much noise as JPEG changed may be missing from the flat parts.
            hidden = float(photograph.distortion[SIDE // 4 :, SIDE // 4 :].mean())
            missing = NOISE_SPREAD_COMPRESSED * min(hidden / photograph.noise, 1)
            texture = min(TEXTURE, max(photograph.noise - ROUNDING_OF_COLOUR, 0))
            spread = math.hypot(NOISE_SPREAD, texture / photograph.noise, missing)
            changed = photograph.distortion / 2 * np.maximum(1 - jpeg, 0)
        else:
            spread, changed = photograph.noise_error, np.zeros_like(power)
        return _Data(
            np.log(power)[inside],
            (model.twice / error)[inside],
            photograph.floors,
            changed,
            math.log(photograph.noise),
            np.r_[1 / model.variances, 1 / spread**2],
            pull,
        )

    def run(self, start: Blur, most: int, warm: Matched | None) -> Matched:
        blur, damping = start, 1e-2
        own, common = self._begin(warm)
        cost = self._cost(blur, own, common)
        information = np.eye(len(self.free))
        for _ in range(most):
            normal, gradient, parts = self._normal(blur, own, common)
            information = normal
            for _ in range(8):
                step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), gradient)
                limit = LONGEST_STEP[self.free]
                move = np.clip(step[: len(self.free)], -limit, limit)
                step = np.r_[move, step[len(self.free) :]]
                new_own = [
                    _bounded(values, left - right @ step)
                    for values, (left, right) in zip(own, parts, strict=True)
                ]
                new_common = common + step[len(self.free) :]
                new_blur = self._moved(blur, move)
                new = self._cost(new_blur, new_own, new_common)
                if np.isfinite(new) and new < cost:
                    break
                damping *= 6
            else:
                break
            gain, cost = cost - new, new
            blur, own, common = new_blur, new_own, new_common
            damping = max(damping / 10, 1e-5)
            if gain < 1e-2:
                break
        f = len(self.free)
        inner = np.linalg.solve(information[f:, f:], information[f:, :f])
        left = information[:f, :f] - information[:f, f:] @ inner
        misfit = self._misfit(blur, own)
        return Matched(blur, cost, tuple(self.free), left, tuple(own), common, misfit)

    def _begin(self, warm: Matched | None) -> tuple[list[Array], Array]:
        if warm is not None:
            return list(warm.own), warm.common
        size = len(self.model.variances)
        return [np.r_[np.zeros(size), datum.noise] for datum in self.data], np.zeros(size)

    def _moved(self, blur: Blur, move: Array) -> Blur:
        values = blur.values.copy()
        values[self.free] += move
        return replace(blur, values=values)

    def _expected(self, datum: _Data, power: Array, shape: Array | float, own: Array) -> Array:
        floor, _ = added(datum.floors, math.exp(own[-1]) * shape)
        scene = self.model.scene(own[:-1])
        return self._logs(datum, self.model.aliased(power * scene) + floor + datum.jpeg, floor)

    def _logs(self, datum: _Data, total: Array, noise: Array | float) -> Array:
        """What is expected of the logarithm of a spectrum."""
        # Where scene and noise meet, scenes above their mean add more than those below take.
        share = 1 - (noise + datum.jpeg) / total
        bent = self.model.residual / 2 * share * (1 - share)
        return np.asarray((np.log(total) + bent)[self.model.compared])

    def _cost(self, blur: Blur, own: Sequence[Array], common: Array) -> float:
        total = float((np.square((blur.values[self.free] - self.centre) / self.spread)).sum())
        total += float(self.common_precision @ np.square(common))
        spectra = self._spectra(blur)
        for datum, values, (power, shape) in zip(self.data, own, spectra, strict=True):
            left = datum.logs - self._expected(datum, power, shape, values)
            away = _away(values, common, datum)
            total += float(datum.weights @ np.square(left) + datum.precision @ np.square(away))
        return total

    def _misfit(self, blur: Blur, own: Sequence[Array]) -> tuple[float, ...]:
        found = []
        spectra = self._spectra(blur)
        for datum, values, (power, shape) in zip(self.data, own, spectra, strict=True):
            left = datum.logs - self._expected(datum, power, shape, values)
            # Cells that JPEG or rounding made unknowable do not count.
            weights = datum.weights * self.model.ordinary
            found.append(DECIBELS * math.sqrt(float(weights @ np.square(left) / weights.sum())))
        return tuple(found)

    def _spectra(self, blur: Blur) -> list[tuple[Array, Array | float]]:
        """|K|^2 and |N|^2 of each photograph."""
        if self.alike:
            return [(self.model.power(blur), self.model.noise_shape(blur))] * self.count
        pulled = [_pulled(blur, datum.pull) for datum in self.data]
        return [(self.model.power(one), self.model.noise_shape(one)) for one in pulled]

    def _slopes(self, blur: Blur) -> list[_Slopes]:
        """The same with their derivatives."""
        if self.alike:
            return [self._slope(blur)] * self.count
        return [self._slope(_pulled(blur, datum.pull)) for datum in self.data]

    def _slope(self, blur: Blur) -> _Slopes:
        power, *moved = self.model.powers(blur, self.free, STEP)
        powers = np.stack([(one - power) / STEP for one in moved], -1)
        shape, *bent = self.model.noise_shapes(blur, self.free, STEP)
        return _Slopes(power, powers, shape, [(one - shape) / STEP for one in bent])

    def _normal(
        self, blur: Blur, own: Sequence[Array], common: Array
    ) -> tuple[Array, Array, list[tuple[Array, Array]]]:
        """Normal equations of the blur and the common scene, all photographs eliminated; and for
        each of these its own step as a vector minus a matrix times the common step.
        """
        model, inside = self.model, self.model.compared
        f, q = len(self.free), len(model.variances)
        normal, gradient = np.zeros((f + q, f + q)), np.zeros(f + q)
        normal[range(f), range(f)] = 1 / self.spread**2
        gradient[:f] = (self.centre - blur.values[self.free]) / self.spread**2
        normal[range(f, f + q), range(f, f + q)] = self.common_precision
        gradient[f:] = -self.common_precision * common
        parts: list[tuple[Array, Array]] = []
        for datum, values, slopes in zip(self.data, own, self._slopes(blur), strict=True):
            power, shape = slopes.power, slopes.shape
            noise = math.exp(values[-1])
            scene = model.scene(values[:-1])
            blurred = power * scene
            floor, rise = added(datum.floors, noise * shape)
            total = model.aliased(blurred) + floor + datum.jpeg
            left = datum.logs - self._logs(datum, total, floor)
            seen = total[inside][:, None]
            mine = np.empty((len(left), q + 1))
            np.divide(
                model.aliased(blurred[..., None] * model.functions)[inside], seen, out=mine[:, :q]
            )
            mine[:, q] = (rise * noise * shape / total)[inside]
            theirs = model.aliased(scene[..., None] * slopes.powers)
            for place, slope in enumerate(slopes.shapes):
                theirs[..., place] += rise * noise * slope
            theirs = theirs[inside] / seen
            weighted = datum.weights[:, None] * mine
            inner = weighted.T @ mine
            inner[range(q + 1), range(q + 1)] += datum.precision
            away = _away(values, common, datum)
            slope_own = weighted.T @ left - datum.precision * away
            # The common scene pulls at the photograph's own through the prior alone.
            sides = np.zeros((q + 1, f + q + 1))
            cross = sides[:, :-1]
            cross[:, :f] = weighted.T @ theirs
            cross[range(q), range(f, f + q)] = -datum.precision[:q]
            sides[:, -1] = slope_own
            solved = np.linalg.solve(inner, sides)
            parts.append((np.asarray(solved[:, -1]), np.asarray(solved[:, :-1])))
            normal[:f, :f] += theirs.T @ (datum.weights[:, None] * theirs)
            normal[range(f, f + q), range(f, f + q)] += datum.precision[:q]
            normal -= cross.T @ solved[:, :-1]
            gradient[:f] += theirs.T @ (datum.weights * left)
            gradient[f:] += datum.precision[:q] * away[:q]
            gradient -= cross.T @ solved[:, -1]
        return normal, gradient, parts


def _away(values: Array, common: Array, datum: _Data) -> Array:
    """How far the scene and the noise of a photograph are from what is believed."""
    away = values.copy()
    away[:-1] -= common
    away[-1] -= datum.noise
    return away


def _pulled(blur: Blur, pull: Array) -> Blur:
    values = blur.values.copy()
    values[PULL:] += pull
    return replace(blur, values=values)


def _bounded(values: Array, step: Array) -> Array:
    """The next scene and noise of a photograph."""
    new = values + step
    new[-1] = values[-1] + np.clip(step[-1], -LONGEST_OWN_STEP, LONGEST_OWN_STEP)
    return new

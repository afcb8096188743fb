"""The forms that a camera's blur may have, as transfer functions.

A blur is what optics, focus, shake and the camera's sharpening do one after the other, so its
transfer function is a product: of a Gaussian (lens and pixel), a disc (defocus), a line (shake), an
unsharp mask on the pixels of the photograph (the camera's processor), and a smooth function of the
frequency's length that is 1 unless many photographs insist on another. Lengths are in half pixels
of the photograph, which are the HR pixels of scale 2, so that one estimate serves every scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import exponential

Array = NDArray[np.float64]

HALF = 2
"""Half pixels per pixel."""
FINER = 3
"""Samples to a pixel of a kernel, along an axis, that it is computed with."""
PROFILE = np.array([0.1, 0.2, 0.3, 0.4, 0.55])
"""Frequencies at which the free factor is given, in cycles per pixel; 1 at 0, constant beyond."""


class P(IntEnum):
    """Places of the parameters in a vector."""

    SIZE = 0
    """Logarithm of the geometric mean of the Gaussian's two variances, in squared half pixels."""
    UPRIGHT = 1
    """Half the difference of the logarithms of the variances along rows and columns."""
    OBLIQUE = 2
    """The same along the diagonals."""
    DISC = 3
    """Radius of the disc, in half pixels."""
    LINE = 4
    """Length of the line, in half pixels."""
    ANGLE = 5
    """Its direction, from the column axis, in radians."""
    AMOUNT = 6
    """Amount of the unsharp mask."""
    RADIUS = 7
    """Logarithm of the standard deviation of its Gaussian, in pixels of the photograph."""
    PROFILE = 8
    """First of the logarithms of the free factor at `PROFILE`."""


PULL = P.PROFILE + len(PROFILE)
"""First of three parameters that pull the whole blur apart, as `SIZE`, `UPRIGHT` and `OBLIQUE` do
the Gaussian, but lengths instead of variances: how one photograph differs from its camera."""
COUNT = PULL + 3
FACTOR = (0, 0, 0, 1, 2, 2, 4, 4, *[3] * len(PROFILE))
"""Which factor of a transfer function each parameter enters, up to `PULL`: Gaussian, disc, line,
the free one, unsharp mask."""
CENTRE = np.zeros(COUNT)
"""Where a search begins, but for what a form starts with."""
CENTRE[P.SIZE] = 2 * math.log(1.1)
BELIEVED = CENTRE.copy()
BELIEVED[P.AMOUNT] = 0.8
SPREAD = np.array([1.0, 0.5, 0.5, 1.5, 3.0, 10.0, 0.4, 0.35, *[0.1] * len(PROFILE), 0.3, 0.2, 0.2])
"""What is believed of a camera before its photographs are seen: mean and standard deviation of each
parameter that its form has. The free factor's says how far a camera may be from the forms."""
BEYOND = np.zeros(COUNT)
BEYOND[: P.PROFILE] = 0.12, 0.06, 0.06, 0.1, 0.3, 0.1, 0.25, 0.1
"""By how much (standard deviation) cameras of known blur were off beyond what their photographs'
information says: scenes of one user are alike in more than the model knows."""
LONGEST_STEP = np.array(
    [0.5, 0.5, 0.5, 0.7, 1.5, 0.4, 0.5, 0.4, *[0.1] * len(PROFILE), 0.3, 0.2, 0.2]
)


@dataclass(frozen=True, eq=False)
class Frequencies:
    """Where transfer functions are asked for."""

    rows: Array
    """In cycles per half pixel."""
    columns: Array

    @cached_property
    def own(self) -> Array:
        """Their squared lengths in cycles per pixel of the photograph, beyond whose frequencies all
        repeats.
        """
        own = [np.mod(axis * HALF + 0.5, 1) - 0.5 for axis in (self.rows, self.columns)]
        return np.asarray(own[0] ** 2 + own[1] ** 2)

    @cached_property
    def lengths(self) -> Array:
        """Their lengths."""
        return np.hypot(self.rows, self.columns)


@dataclass(frozen=True, eq=False)
class Blur:
    """One blur."""

    values: Array
    """(COUNT,): see `P`."""
    noise_sharpened: bool = False
    """Whether the noise went through the unsharp mask too."""

    def transfer(self, rows: Array, columns: Array) -> Array:
        """Real transfer function at frequencies in cycles per half pixel; 1 at 0."""
        return self.transfers(Frequencies(rows, columns))[0]

    def transfers(
        self, at: Frequencies, places: Sequence[int] = (), step: float = 0.0
    ) -> list[Array]:
        """The transfer function, and those with one of the parameters at `places` larger by `step`;
        only the factor that a parameter enters is computed again.
        """
        seen = self._pulled(at)
        factors = [self._factor(number, at, seen) for number in range(max(FACTOR) + 1)]
        found = [_product(factors)]
        for place in places:
            values = self.values.copy()
            values[place] += step
            moved = replace(self, values=values)
            if place >= PULL:
                found.append(moved.transfers(at)[0])
                continue
            number = FACTOR[place]
            other = moved._factor(number, at, seen)
            found.append(_product([*factors[:number], other, *factors[number + 1 :]]))
        return found

    def _pulled(self, at: Frequencies) -> Frequencies:
        """The frequencies that the blur has where it is pulled apart."""
        pull = self.values[PULL:]
        if not pull.any():
            return at
        return Frequencies(*(a * at.rows + b * at.columns for a, b in exponential(pull)))

    def _factor(self, number: int, at: Frequencies, seen: Frequencies) -> Array | float:
        """One of the factors, see `FACTOR`; 1 of what there is not. The unsharp mask lies on the
        pixels of the photograph, which are not pulled.
        """
        v = self.values
        if number == FACTOR[P.SIZE]:
            moments = exponential(v[: P.DISC])
            square = (
                moments[0, 0] * seen.rows * seen.rows
                + 2 * moments[0, 1] * seen.rows * seen.columns
                + moments[1, 1] * seen.columns * seen.columns
            )
            return np.asarray(np.exp(-2 * np.pi**2 * square))
        if number == FACTOR[P.DISC] and v[P.DISC]:
            return _disc(2 * np.pi * abs(float(v[P.DISC])) * seen.lengths)
        if number == FACTOR[P.LINE] and v[P.LINE]:
            along = seen.columns * math.cos(v[P.ANGLE]) + seen.rows * math.sin(v[P.ANGLE])
            return np.asarray(np.sinc(v[P.LINE] * along))
        if number == FACTOR[P.PROFILE] and v[P.PROFILE : PULL].any():
            knots = np.concatenate([[0.0], PROFILE])
            free = np.interp(seen.lengths * HALF, knots, [0.0, *v[P.PROFILE : PULL]])
            return np.asarray(np.exp(free))
        if number == FACTOR[P.AMOUNT] and v[P.AMOUNT]:
            return _unsharp(at, abs(float(v[P.AMOUNT])), float(v[P.RADIUS]))
        return 1.0

    def stretched(self, logarithm: float) -> Blur:
        """The same with all its lengths multiplied, but for the unsharp mask's, which lie on the
        pixels of the photograph.
        """
        values = self.values.copy()
        values[PULL] += logarithm
        return replace(self, values=values)

    def sharpening(self, at: Frequencies) -> Array | float:
        """The factor of the unsharp mask alone: it repeats beyond the photograph's frequencies."""
        return self._factor(FACTOR[P.AMOUNT], at, at)

    def kernel(self, scale: int, size: int) -> Array:
        """(size, size) float64: the correlation kernel on the HR grid of a scale, sum 1, centred
        for it; negative lobes are kept.
        """
        # Three samples to a pixel, so that a blur sharper than pixels is sampled as it is in space,
        # not cut off in frequency, which would ring; and room for what comes round.
        count = 2 * size
        axis = np.fft.fftfreq(FINER * count) * FINER
        rows, columns = np.meshgrid(axis, axis, indexing="ij")
        # An HR pixel is 2 / scale half pixels long.
        found = self.transfer(rows * scale / HALF, columns * scale / HALF)
        centre = size // 2 + (scale - 1) / 2
        shifted = found * np.exp(-2j * np.pi * (rows + columns) * centre)
        kernel = np.fft.ifft2(shifted).real[::FINER, ::FINER][:size, :size]
        # The first cells have no counterparts behind the centre: cut alike on both sides.
        kernel[: scale - 1] = kernel[:, : scale - 1] = 0
        return np.asarray(kernel / kernel.sum())


def _product(factors: Sequence[Array | float]) -> Array:
    found = factors[0]
    for factor in factors[1:]:
        found = found * factor
    return np.asarray(found)


@lru_cache(maxsize=8)
def _unsharp(at: Frequencies, amount: float, radius: float) -> Array:
    """An unsharp mask; asked for again and again where photographs are pulled apart."""
    smooth = np.exp(-2 * np.pi**2 * math.exp(2 * radius) * at.own)
    return np.asarray(1 + amount * (1 - smooth))


def _disc(z: Array) -> Array:
    """Transfer function of a disc: 2 J1(z) / z."""
    from scipy.special import j1  # late: it takes a while

    return np.where(z < 1e-6, 1.0, 2 * j1(z) / np.maximum(z, 1e-9))

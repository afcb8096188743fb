"""The forms that a camera's blur may have, as transfer functions.

A blur is what optics, focus, shake and the camera's sharpening do one after the other, so its
transfer function is a product: of a Gaussian (lens and pixel), a disc (defocus), a line (shake), an
unsharp mask on the pixels of the photograph (the camera's processor), and a smooth function of the
frequency's length that is 1 unless many photographs insist on another. Lengths are in half pixels
of the photograph, which are the HR pixels of scale 2, so that one estimate serves every scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

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
class Blur:
    """One blur."""

    values: Array
    """(COUNT,): see `P`."""
    noise_sharpened: bool = False
    """Whether the noise went through the unsharp mask too."""

    def transfer(self, rows: Array, columns: Array) -> Array:
        """Real transfer function at frequencies in cycles per half pixel; 1 at 0."""
        v, own = self.values, self.sharpening(rows, columns)
        if v[PULL:].any():
            rows, columns = (a * rows + b * columns for a, b in exponential(v[PULL:]))
        moments = exponential(v[: P.DISC])
        square = (
            moments[0, 0] * rows * rows
            + 2 * moments[0, 1] * rows * columns
            + moments[1, 1] * columns * columns
        )
        found = np.exp(-2 * np.pi**2 * square)
        radius = np.hypot(rows, columns)
        if v[P.DISC]:
            found = found * _disc(2 * np.pi * abs(float(v[P.DISC])) * radius)
        if v[P.LINE]:
            along = columns * math.cos(v[P.ANGLE]) + rows * math.sin(v[P.ANGLE])
            found = found * np.sinc(v[P.LINE] * along)
        if v[P.PROFILE : PULL].any():
            knots = np.concatenate([[0.0], PROFILE])
            found = found * np.exp(np.interp(radius * HALF, knots, [0.0, *v[P.PROFILE : PULL]]))
        return np.asarray(found * own)

    def stretched(self, logarithm: float) -> Blur:
        """The same with all its lengths multiplied, but for the unsharp mask's, which lie on the
        pixels of the photograph.
        """
        values = self.values.copy()
        values[PULL] += logarithm
        return replace(self, values=values)

    def sharpening(self, rows: Array, columns: Array) -> Array | float:
        """Of the unsharp mask alone: it repeats beyond the photograph's frequencies."""
        amount = abs(float(self.values[P.AMOUNT]))
        if not amount:
            return 1.0
        own = [np.mod(axis * HALF + 0.5, 1) - 0.5 for axis in (rows, columns)]
        spread = math.exp(2 * self.values[P.RADIUS])
        smooth = np.exp(-2 * np.pi**2 * spread * (own[0] ** 2 + own[1] ** 2))
        return np.asarray(1 + amount * (1 - smooth))

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


def _disc(z: Array) -> Array:
    """Transfer function of a disc: 2 J1(z) / z."""
    from scipy.special import j1  # late: it takes a while

    return np.where(z < 1e-6, 1.0, 2 * j1(z) / np.maximum(z, 1e-9))

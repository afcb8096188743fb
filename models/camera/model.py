"""What a power spectrum is made of, but for what is a photograph's own: scenes, aliases, noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE
from pairmill.models.camera.forms import Blur, Frequencies, P
from pairmill.models.camera.scenes import GRID, Scenes, smooth_functions

Array = NDArray[np.float64]

LOWEST = 1.4 / SIDE
"""Lowest frequency that is compared, in cycles per pixel: below it the window hides the scene."""
CORRELATED = 1.5
"""Cells that share one error: neighbours overlap under the window."""
LEFT = SIDE // 2 + 1
"""Columns of a real photograph's spectrum; each comes from two columns of HR's, and the other half
of those is never looked at."""
LEAST_ERROR = 0.03
"""Variance of a log spectrum that no scene explains."""


class Model:
    """Spectra as scenes and a blur make them."""

    def __init__(self, scenes: Scenes) -> None:
        self.scenes = scenes
        self.variances, axes = scenes.axes
        functions = smooth_functions()
        self.mean, self.functions = _kept(functions @ scenes.mean), _kept(functions @ axes)
        rows, columns = np.fft.fftfreq(SIDE)[:, None], np.arange(SIDE // 2 + 1) / SIDE
        self.compared = np.hypot(rows, columns) > LOWEST
        # The lowest columns hold both halves of a symmetric spectrum.
        twice = np.ones((SIDE, SIDE // 2 + 1))
        twice[:, [0, -1]] = 0.5
        places = np.r_[0 : SIDE // 2, GRID - SIDE // 2 : GRID]
        self.residual = scenes.residual_at()[places][:, : SIDE // 2 + 1]
        self.twice = twice
        self.error = self.residual * CORRELATED + LEAST_ERROR
        # Where cells differ by scenes alone, weights times this are one.
        self.ordinary = (self.error / twice)[self.compared]
        self.grid = _frequencies()
        # In half pixels frequencies are half as high.
        own = (rows + 0 * columns, columns + 0 * rows)
        self.own_grid = Frequencies(own[0] / 2, own[1] / 2)
        # What the mask of `noise_floor` lets through.
        masks = [np.square(2 - 2 * np.cos(2 * np.pi * axis)) for axis in own]
        self.seen = masks[0] * masks[1] * twice

    def power(self, blur: Blur) -> Array:
        """(GRID, 2 LEFT): |K|^2 as it shows under the window, at the columns that aliases need."""
        return self.powers(blur)[0]

    def powers(self, blur: Blur, places: Sequence[int] = (), step: float = 0.0) -> list[Array]:
        """The same, and with each of the parameters at `places` larger by `step`."""
        return [_windowed(np.square(one)) for one in blur.transfers(self.grid, places, step)]

    def scene(self, own: Array) -> Array:
        """(GRID, 2 LEFT): the power of a scene that differs by so much from the mean along the
        axes.
        """
        # One product for all cells: no sum depends on how many columns there are.
        away = self.functions.reshape(-1, len(own)) @ own
        return np.asarray(np.exp(self.mean + away.reshape(self.mean.shape)))

    def noise_shape(self, blur: Blur) -> Array | float:
        """|N|^2 at the photograph's frequencies, such that the variance of the noise is what flat
        parts show, which is behind the sharpening.
        """
        return self.noise_shapes(blur)[0]

    def noise_shapes(
        self, blur: Blur, places: Sequence[int] = (), step: float = 0.0
    ) -> list[Array | float]:
        """The same, and with each of the parameters at `places` larger by `step`."""
        if not blur.noise_sharpened:
            return [1.0] * (1 + len(places))
        found: list[Array | float] = [self._sharpened(blur)]
        for place in places:
            values = blur.values.copy()
            values[place] += step
            moves = place in (P.AMOUNT, P.RADIUS)
            found.append(self._sharpened(replace(blur, values=values)) if moves else found[0])
        return found

    def _sharpened(self, blur: Blur) -> Array:
        found = np.square(blur.sharpening(self.own_grid))
        return np.asarray(found / np.average(found, weights=self.seen))

    @staticmethod
    def aliased(power: Array) -> Array:
        """(GRID, 2 LEFT, ...) of HR to (SIDE, LEFT, ...) of LR: every second pixel is left."""
        return np.asarray(power.reshape(2, SIDE, 2, LEFT, *power.shape[2:]).sum((0, 2)) / 4)


def _windowed(power: Array) -> Array:
    """What the window makes of a power spectrum, with its own: 1/6, 2/3, 1/6."""
    around = np.concatenate([power[-1:], power, power[:1]])
    found = power * (2 / 3) + (around[:-2] + around[2:]) / 6
    sides = found.reshape(GRID, 2, LEFT + 2)
    found = sides[..., 1:-1] * (2 / 3) + (sides[..., :-2] + sides[..., 2:]) / 6
    return np.asarray(found.reshape(GRID, 2 * LEFT))


def _kept(half: Array) -> Array:
    """(GRID, GRID // 2 + 1, ...) to (GRID, 2 LEFT, ...): the spectrum of a real picture is
    symmetric.
    """
    turned = half[(-np.arange(GRID)) % GRID][:, GRID // 2 - LEFT + 1 : GRID // 2][:, ::-1]
    return np.concatenate([half[:, :LEFT], half[:, GRID // 2 :], turned], axis=1)


@lru_cache(maxsize=1)
def _frequencies() -> Frequencies:
    """Of the columns that aliases need, and of one more at either end for the window."""
    axis = np.fft.fftfreq(GRID)
    one = np.arange(-1, LEFT + 1)
    rows, columns = np.meshgrid(axis, axis[np.r_[one, one + SIDE]], indexing="ij")
    return Frequencies(rows, columns)

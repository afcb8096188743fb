"""What scenes look like before a camera blurs them: mean and covariance of their log power spectra.

Scenes are alike at all sizes: power falls with frequency about as f^-2.4, with scenes differing in
level, slope and direction, and those differences are smooth in the logarithm of frequency and in
angle (Field, JOSA A 1987; Torralba and Oliva, Network 2003). So a log spectrum is a sum of smooth
functions with Gaussian weights, whose mean and covariance were measured on sharp pictures
(`benchmarks/scene_spectra.py`), or are measured on the HR that a kernel will be put on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE, block_power

Array = NDArray[np.float64]

GRID = 2 * SIDE
"""Side of the blocks of HR that scenes are described on, in half pixels of a photograph: as long as
the photograph's blocks."""
LOWEST, HIGHEST, RINGS = 1.5 / GRID, 0.6, 10
"""Frequencies between which scenes are described, in cycles per half pixel, and at how many."""
HARMONICS = 4
"""Even harmonics in the angle: scenes have more power along rows and columns."""
WAVES = 1 + 2 * HARMONICS
_EVEN = np.array([1.0] + [1.0, 0.0] * HARMONICS)
"""1 for the waves that look alike in a mirror."""
RADII = tuple(0.05 * step for step in range(1, 11))
"""Ends of the rings by which what is left is known, in cycles per half pixel."""
LEAST_SHARE = 3e-3
"""Directions in which scenes differ less than this share of the largest are left out."""
BUILT_IN = Path(__file__).with_name("scenes.json")
OWN_PICTURES = 12
"""How many pictures of a user's own weigh as much as the built-in mean."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """A Gaussian over log spectra of scenes."""

    mean: Array
    """(b,): mean weights of `smooth_functions`."""
    covariance: Array
    """(b, b)."""
    residual: Array
    """(len(RADII) + 1, 2): variance of what the functions do not describe, by the frequency's
    length, off and on the axes, where edges of houses and frames are."""
    pictures: float
    """How many pictures the mean is known from, in effect."""

    def table(self) -> dict[str, Any]:
        """The same as numbers that can be written down."""
        blocks = self.covariance.reshape(RINGS, WAVES, RINGS, WAVES)
        waves = range(WAVES)
        return {
            "pictures": self.pictures,
            "mean": self.mean.reshape(RINGS, WAVES).round(4).tolist(),
            "covariance": [blocks[:, wave, :, wave].round(4).tolist() for wave in waves],
            "residual": self.residual.round(4).tolist(),
        }

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Scenes:
        """From what `table` wrote down."""
        return cls(
            np.array(table["mean"]).ravel(),
            _assembled(np.array(table["covariance"])),
            np.array(table["residual"]),
            float(table["pictures"]),
        )

    def residual_at(self) -> Array:
        """(GRID, GRID // 2 + 1): `residual` of each frequency."""
        ring, on_axis = _places()
        return np.asarray(self.residual[ring, on_axis.astype(int)])

    @property
    def axes(self) -> tuple[Array, Array]:
        """Variances (q,) along the principal axes, and the axes (b, q)."""
        variances, axes = np.linalg.eigh(self.covariance)
        kept = variances > LEAST_SHARE * variances.max()
        return np.asarray(variances[kept]), np.asarray(axes[:, kept])


@lru_cache(maxsize=1)
def built_in() -> Scenes:
    """Scenes as sharp pictures show them."""
    return Scenes.from_table(json.loads(BUILT_IN.read_text()))


def smallest_side(scale: int) -> int:
    """Smallest side of a picture that can be described, in pixels."""
    return SIDE * scale


def described(luma: Array, scale: int = 2) -> tuple[Array, Array]:
    """A sharp picture (H, W) as weights of the smooth functions, and what they leave,
    (GRID, GRID // 2 + 1).

    Args:
        luma: intensity levels.
        scale: HR side over LR side, where the picture is to be HR.

    Raises:
        ValueError: if the picture is smaller than a block.
    """
    side = smallest_side(scale)
    if min(luma.shape) < side:
        raise ValueError(f"a picture has sides of {side} pixels at least, got {luma.shape}")
    functions, inside = smooth_functions(), _inside()
    # Of a block as long as a photograph's, the frequencies up to two pixels of LR.
    power = block_power(luma, side)
    rows = np.r_[0 : GRID // 2, side - GRID // 2 : side]
    found = np.log(power[rows][:, : GRID // 2 + 1] + 1e-3)
    basis = functions[inside]
    normal = basis.T @ basis + 1e-2 * np.eye(basis.shape[1])
    weights = np.linalg.solve(normal, basis.T @ found[inside])
    return np.asarray(weights), np.where(inside, found - functions @ weights, 0.0)


def of_pictures(pictures: Sequence[tuple[Array, Array]]) -> Scenes:
    """Scenes measured on pictures, each as `described`.

    No camera prefers left to right, and what scenes have more of in one direction says nothing of
    their slope: waves in the angle vary independently of one another, and sines have no mean.
    """
    weights = np.array([weight for weight, _ in pictures]).reshape(-1, RINGS, WAVES)
    mean = weights.mean(0) * _EVEN
    away = weights - mean
    blocks = np.einsum("pih,pjh->hij", away, away) / len(away)
    residual = np.mean([np.square(left) for _, left in pictures], 0)
    return Scenes(mean.ravel(), _assembled(blocks), _by_place(residual), float(len(pictures)))


def _assembled(blocks: Array) -> Array:
    """(b, b) covariance from those of the rings, (RINGS, RINGS), of each wave."""
    whole = np.zeros((RINGS, WAVES, RINGS, WAVES))
    for wave, block in enumerate(blocks):
        whole[:, wave, :, wave] = block
    return whole.reshape(RINGS * WAVES, -1)


def _by_place(squares: Array) -> Array:
    """(len(RADII) + 1, 2): means of a map by the frequency's length, off and on the axes."""
    ring, on_axis = _places()
    inside = _inside()
    return np.array(
        [
            [squares[inside & (ring == place) & (on_axis == axis)].mean() for axis in (False, True)]
            for place in range(len(RADII) + 1)
        ]
    )


@lru_cache(maxsize=1)
def _places() -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """(GRID, GRID // 2 + 1) each: the ring that a frequency is in, and whether it is on an axis."""
    rows, columns = np.fft.fftfreq(GRID)[:, None], np.arange(GRID // 2 + 1) / GRID
    ring = np.digitize(np.hypot(rows, columns), RADII)
    return ring, np.asarray(np.minimum(np.abs(rows), columns) < 1.5 / GRID)


def like_pictures(weights: Sequence[Array], known: Scenes | None = None) -> Scenes:
    """Scenes whose mean is that of some pictures, as far as their number allows.

    Args:
        weights: of each picture, see `described`.
        known: scenes to start from; the built-in ones without them.
    """
    known = known or built_in()
    own = (np.mean(weights, 0).reshape(RINGS, WAVES) * _EVEN).ravel()
    count = len(weights)
    mean = (count * own + OWN_PICTURES * known.mean) / (count + OWN_PICTURES)
    return Scenes(mean, known.covariance, known.residual, count + OWN_PICTURES)


@lru_cache(maxsize=1)
def smooth_functions() -> Array:
    """(GRID, GRID // 2 + 1, b): tents in the logarithm of frequency times waves in the angle."""
    rows, columns = np.fft.fftfreq(GRID)[:, None], np.arange(GRID // 2 + 1) / GRID
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    knots = np.linspace(math.log(LOWEST), math.log(HIGHEST), RINGS)
    height = np.log(np.maximum(radius, LOWEST))
    tents = np.stack([np.interp(height, knots, row) for row in np.eye(RINGS)], -1)
    waves = [np.ones_like(angle)]
    for order in range(1, HARMONICS + 1):
        waves += [np.cos(2 * order * angle), np.sin(2 * order * angle)]
    found = tents[..., :, None] * np.stack(waves, -1)[..., None, :]
    return np.asarray(found.reshape(*radius.shape, -1))


def _inside() -> NDArray[np.bool_]:
    """Frequencies that are described."""
    rows, columns = np.fft.fftfreq(GRID)[:, None], np.arange(GRID // 2 + 1) / GRID
    return np.asarray(np.hypot(rows, columns) > 1.4 / GRID)

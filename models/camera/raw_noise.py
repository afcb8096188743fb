"""Sensor noise behind a mosaic: how much of it a camera must have, for its developed photographs to
have the noise that was measured.

Demosaicing is linear (Malvar, He and Cutler 2004), so that what it leaves of white noise in the
cosines that noise is measured on (`flat_blocks.FINE`) follows from its filters alone. Development
multiplies by the slope of its curve. So variance at a level is linear in shot and read^2, and both
come of non-negative least squares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import BLOCK, FINE, WHITE, cosines
from pairmill.models.camera.levels import LevelNoise
from pairmill.models.functional.camera import decoded_levels, demosaic, mosaic
from pairmill.models.functional.chroma import LUMA

Floats = NDArray[np.float64]
GAINS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)
"""White balances of red and blue that are tried."""
USUAL = (2.0, 1.75)
"""White balance where channels cannot be told apart: the middle of those of Brooks et al. 2019."""
REACH = 2
"""Pixels that the demosaicking filters reach to each side."""


@dataclass(frozen=True)
class RawNoise:
    """A sensor's noise of variance shot * level + read^2, and the development behind it."""

    shot: float
    """In raw intensity levels (255 is the sensor's white)."""
    read: float
    """The same."""
    red_gain: float
    """White balance of red."""
    blue_gain: float
    """White balance of blue."""
    tone: bool
    """Whether the development has a tone curve."""
    misfit: float
    """Root mean square of the relative errors of the standard deviations that it makes."""


def raw_noise(channels: Sequence[Sequence[LevelNoise]]) -> RawNoise | None:
    """The noise on the sensor that best explains that of developed photographs; none if no level is
    known.

    Args:
        channels: Noise of R, G and B by level. Three that are the same are read as that of luma,
            which is all that a JPEG says; then white balance is the usual.
    """
    levels = np.array([one.level for channel in channels for one in channel])
    if not len(levels):
        return None
    known = [one for channel in channels for one in channel]
    target = np.array([one.std**2 for one in known])
    trust = np.sqrt([float(one.blocks) for one in known]) / np.maximum(target, 1e-3)
    by_luma = channels[0] == channels[1] == channels[2]
    counts = [len(channel) for channel in channels]
    found = [
        _fitted(levels, target, trust, setting, _weights(counts, by_luma=by_luma))
        for setting in _settings(by_luma)
    ]
    return min(found, key=lambda one: one[0])[1]


def _settings(by_luma: bool) -> Iterator[tuple[float, float, bool]]:
    """White balances of red and blue, and whether there is a tone curve; the plainest first."""
    pairs = (USUAL,) if by_luma else product(GAINS, GAINS)
    for red, blue in pairs:
        for tone in (False, True):
            yield red, blue, tone


def _weights(counts: Sequence[int], *, by_luma: bool) -> Floats:
    """(points, 3): how what was measured at each point is made of R, G and B."""
    if by_luma:
        return np.tile(LUMA / np.sqrt(WHITE), (sum(counts), 1))
    return np.repeat(np.eye(3), counts, axis=0)


def _fitted(
    levels: Floats,
    target: Floats,
    trust: Floats,
    setting: tuple[float, float, bool],
    weights: Floats,
) -> tuple[float, RawNoise]:
    """What is left, and the noise, of one development."""
    from scipy.optimize import nnls

    red, blue, tone = setting
    columns = variances(levels, weights, (red, 1.0, blue), tone=tone)
    (shot, square), rest = nnls(columns * trust[:, None], target * trust)
    made = np.sqrt(columns @ np.array([shot, square]))
    misfit = float(np.sqrt(np.square(made / np.sqrt(np.maximum(target, 1e-6)) - 1).mean()))
    return float(rest), RawNoise(float(shot), float(square**0.5), red, blue, tone, misfit)


def variances(
    levels: Floats, weights: Floats, gains: tuple[float, float, float], *, tone: bool
) -> Floats:
    """(n, 2): variance of developed noise of grey areas in the fine cosines, per unit of shot and
    per unit of read^2.

    Args:
        levels: (n,) developed levels, 0 to 255.
        weights: (n, 3): of R, G and B in what is measured.
        gains: White balance.
        tone: Whether the development has a tone curve.
    """
    linear = 255 * decoded_levels(tone)
    place = np.arange(256.0)
    low, high = np.clip(levels - 0.5, 0, 254), np.clip(levels + 0.5, 1, 255)
    rise = np.interp(high, place, linear) - np.interp(low, place, linear)
    slope = (high - low) / rise
    mixed = weights * np.array(gains)
    passed = np.einsum("ni,nj,ijc->nc", mixed, mixed, left_of_white())
    raw = np.interp(levels, place, linear)[:, None] / np.array(gains)
    return np.asarray(
        np.square(slope)[:, None] * np.stack([(passed * raw).sum(1), passed.sum(1)], axis=1)
    )


@lru_cache(maxsize=1)
def left_of_white() -> Floats:
    """(3, 3, 3): covariance, in the fine cosines, of channels i and j after demosaicing, for each
    unit of variance at the pixels of colour c; exact, by the response to every single pixel.
    """
    side, left = BLOCK + 16, np.zeros((3, 3, 3))
    colours = mosaic(np.tile(np.arange(3.0), (side, side, 1)), "rggb").astype(int)
    inside = range(8 - REACH, side - 8 + REACH)
    for row, column in product(inside, inside):
        pixel = np.zeros((side, side))
        pixel[row, column] = 1.0
        block = demosaic(pixel, "rggb")[8:-8, 8:-8]
        fine = cosines(np.moveaxis(block, 2, 0))[..., FINE].reshape(3, -1)
        left[..., colours[row, column]] += fine @ fine.T / fine.shape[1]
    left.setflags(write=False)
    return left

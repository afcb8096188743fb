"""What noise leaves in the power spectrum of a JPEG, by how strong it was.

Quantisation takes weak noise where the scene has nothing, lets it through where it has detail, and
adds an error of its own there. So what noise adds to the spectrum of a JPEG is neither white nor in
proportion to its variance, and flat parts do not show it. It is tried instead: the photograph,
without the power that noise of a strength is expected to have left in it, gets white noise of that
strength and is quantised once more; in other blocks than the first time, for in the same ones it is
made of whole steps already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import BlockWaves, block_power
from pairmill.models.functional.block_cosines import blocked, unblocked
from pairmill.models.keyed import keyed

Array = NDArray[np.float64]

VARIANCES = np.r_[0.02, 0.25 * 2.0 ** np.arange(9)]
"""Strengths of noise that are tried, in squared intensity levels."""
OTHER = 4
"""Rows and columns by which the blocks of the second quantisation are moved."""
WINDOW, WINDOWS = 128, 3
"""Side of the parts of a large photograph that it is tried on, in pixels, and how many of them lie
beside one another."""
HIGH = 0.35
"""Frequencies, in cycles per pixel, at which noise stands out."""
LEAST = 1e-6
"""Power that there is at least, in squared intensity levels: painted parts have none."""


def jpeg_floors(
    planes: Array, powers: Array, coder: Callable[[Array], Array], phase: tuple[int, int]
) -> Array:
    """(len(VARIANCES), C, n, n // 2 + 1): what noise of each of `VARIANCES` in each plane adds to
    the power of a photograph that was quantised since, the error of that included.

    Args:
        planes: (C, H, W): luma, or R, G and B; sides of 64 at least.
        powers: (C, n, n // 2 + 1): their spectra, see `block_power`.
        coder: From planes, sides whole blocks, to what JPEG makes of them.
        phase: Rows and columns by which they start inside JPEG's first block.
    """
    parts = _parts(planes, phase)
    rng = keyed(0, "floors")
    noises = [rng.standard_normal(part.shape) for part in parts]
    waves = [[BlockWaves(plane) for plane in part] for part in parts]
    found: list[Array] = []
    floors, before = np.zeros_like(powers), 0.0
    for variance in VARIANCES:
        # Where the last one left off; the first is looked for twice.
        floors = floors + (variance - before)
        for _ in range(1 if found else 2):
            left = np.maximum(1 - np.maximum(floors, 0) / np.maximum(powers, LEAST), 0)
            clean = [_weighed(part, np.sqrt(left)) for part in waves]
            # With either sign, so that what the noise shares with the scene by chance goes out.
            again = [
                [
                    coder(one + sign * np.sqrt(variance) * noise)
                    for one, noise in zip(clean, noises, strict=True)
                ]
                for sign in (1, -1)
            ]
            floors = (_mean_power(again[0]) + _mean_power(again[1])) / 2 - _mean_power(clean)
        found.append(np.maximum(floors, 0))
        before = variance
    return np.stack(found)


def _weighed(waves: Sequence[BlockWaves], gains: Array) -> Array:
    """(C, H, W): planes, each frequency times its gain, within what pixels can be: else what JPEG
    cuts off would count as what noise does.
    """
    planes = [one.weighed(gain) for one, gain in zip(waves, gains, strict=True)]
    return np.clip(np.stack(planes), 0, 255)


def _parts(planes: Array, phase: tuple[int, int]) -> list[Array]:
    """Parts that start on other blocks than JPEG's, their sides whole blocks."""
    rows, columns = (
        _starts(length, (OTHER - start) % 8)
        for length, start in zip(planes.shape[1:], phase, strict=True)
    )
    return [planes[:, top:bottom, left:right] for top, bottom in rows for left, right in columns]


def _starts(length: int, first: int) -> list[tuple[int, int]]:
    """Where parts begin and end along a side."""
    whole = (length - first) // 8 * 8
    if whole <= WINDOW * WINDOWS:
        return [(first, first + whole)]
    starts = [
        first + (whole - WINDOW) * place // (WINDOWS - 1) // 8 * 8 for place in range(WINDOWS)
    ]
    return [(start, start + WINDOW) for start in starts]


def quantised(plane: Array, table: Array) -> Array:
    """(H, W), sides whole blocks of 8, after JPEG with steps `table`, from the first block on."""
    found = unblocked(table * np.rint(blocked(plane - 128) / table)) + 128
    return np.clip(np.rint(found), 0, 255)


def _mean_power(parts: list[Array]) -> Array:
    powers = [[block_power(plane) for plane in part] for part in parts]
    return np.asarray(np.mean(powers, axis=0))


def added(floors: Array | None, variance: Array | float) -> tuple[Array | float, Array | float]:
    """What noise adds to a power spectrum, and how fast that rises with its variance.

    Args:
        floors: (len(VARIANCES), n, n // 2 + 1), see `jpeg_floors`; without them noise stays white.
        variance: Of the noise, (n, n // 2 + 1) where it depends on the frequency, in squared
            intensity levels.
    """
    if floors is None:
        return variance, 1.0
    place = np.clip(np.searchsorted(VARIANCES, variance) - 1, 0, len(VARIANCES) - 2)
    if place.ndim:
        low, high = (np.take_along_axis(floors, place[None] + up, 0)[0] for up in (0, 1))
    else:
        low, high = floors[place], floors[place + 1]
    rise = (high - low) / (VARIANCES[place + 1] - VARIANCES[place])
    return np.maximum(low + rise * (variance - VARIANCES[place]), LEAST), rise


def most_noise(power: Array, floors: Array) -> float:
    """Variance of the strongest noise that leaves no more than there is, at half of the high
    frequencies.
    """
    rows, columns = power.shape
    high = np.hypot(np.fft.fftfreq(rows)[:, None], np.arange(columns) / rows) >= HIGH
    shares = np.median(floors[:, high] / np.maximum(power[high], LEAST), axis=1)
    return float(np.interp(1.0, np.maximum.accumulate(shares), VARIANCES))

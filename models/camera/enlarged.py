"""Whether a photograph was enlarged, and how many times.

Interpolation makes some pixels means of more samples than others, in a period of the ratio; so does
the mean size of second differences along an axis, whose transform then has a line there (Gallagher,
CRV 2005). Pictures have lines too, of windows and fences, but seldom the same along both axes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRONG = 8.0
"""By how much a line must stand out of its neighbourhood, on the weaker axis."""
NEIGHBOURHOOD = 0.04
"""Half the width of that, in cycles per pixel."""
LOWEST = 0.15
"""Lowest frequency of a line: below it pictures have lines of their own."""
BLOCKS, ODD_BLOCKS = np.arange(1, 5) / 8, np.array([1, 3]) / 8
"""Frequencies of JPEG's blocks, and those of them that are no ratio of an enlargement."""
LEAST_DETAIL = 2e-3
"""Fine detail, in power over coarse, that photographs keep that were enlarged less than twice."""
SAMPLES = 1024
"""Frequencies that are looked at."""


def enlarged(luma: Array, power: Array) -> float:
    """How many times a photograph was enlarged, 1 if it was not; ratios from 1.18 to 6.7.

    A line at f is that of 1 / f, or, mirrored, of 1 / (1 - f); the detail that is left decides. An
    exact 2 leaves no line, since both its pixels are means alike; lines of JPEG's blocks do not
    count where fine detail is left.

    Args:
        luma: (H, W), intensity levels.
        power: its power spectrum, see `photograph.PhotographSpectrum`.
    """
    lines = np.minimum(*(_lines(luma, axis) for axis in (0, 1)))
    frequencies = np.linspace(0, 0.5, SAMPLES)
    coarse = _fine_detail(power) < LEAST_DETAIL
    lines[frequencies < LOWEST] = 0
    blocks = ODD_BLOCKS if coarse else BLOCKS
    lines[np.abs(frequencies[:, None] - blocks).min(1) < 2 / min(luma.shape)] = 0
    best = int(lines.argmax())
    if lines[best] < STRONG:
        return 1.0
    frequency = float(frequencies[best])
    return 1 / frequency if coarse else 1 / (1 - frequency)


def _fine_detail(power: Array) -> float:
    """Power between 0.3 and 0.4 cycles per pixel over that between 0.1 and 0.15."""
    radius = np.hypot(np.fft.fftfreq(len(power))[:, None], np.arange(power.shape[1]) / len(power))
    coarse, fine = (
        power[(low <= radius) & (radius <= high)].mean() for low, high in ((0.1, 0.15), (0.3, 0.4))
    )
    return float(fine / coarse)


def _lines(luma: Array, axis: int) -> Array:
    """(SAMPLES,): by how much each frequency stands out, in medians of its neighbourhood."""
    second = np.abs(np.diff(luma, 2, axis=axis)).mean(1 - axis)
    size = _transform((second - second.mean()) * np.hanning(len(second)))
    reach = int(NEIGHBOURHOOD / 0.5 * SAMPLES)
    padded = np.pad(size, reach, mode="reflect")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), 1)
    return np.asarray(size / np.maximum(around, 1e-9))


def _transform(values: Array) -> Array:
    """(SAMPLES,): size of the Fourier transform at frequencies from 0 to 1/2."""
    # There waves repeat after `turn` values, so what is further on adds up.
    turn = 2 * (SAMPLES - 1)
    turns = np.pad(values, (0, -len(values) % turn)).reshape(-1, turn)
    return np.asarray(np.abs(np.fft.rfft(turns.sum(0))))

"""What a degradation does to an HR tile, in numbers that hardly depend on what the tile shows.

HR and LR are both at hand, so blur and noise can be told apart: per band of frequencies, the part
of the LR's spectrum that follows the HR's (the transfer, 1 where nothing is lost) and the power of
what is left, which is noise, aliasing and compression. Both under the same window, on the LR's
grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.chroma import grey
from pairmill.pipeline.realism.features import blockiness

Real = NDArray[np.float64]
Image = NDArray[np.uint8]
EDGES = (0.04, 0.11, 0.18, 0.25, 0.33, 0.41, 0.5)
"""Bands, in cycles per LR pixel; below them there is hardly any blur to see."""
LEANING = ((1, 2), (3, 4))
"""Bands that tell together whether the blur has a direction."""
FLOOR = 0.1
"""Variance that is added before a logarithm: that of rounding, in squared intensity levels."""
NAMES = (
    *(f"transfer at {(a + b) / 2:.2f}" for a, b in itertools.pairwise(EDGES)),
    *(f"{way} {part} bands" for part in ("lower", "upper") for way in ("across", "diagonal")),
    *(f"noise at {(a + b) / 2:.2f}" for a, b in itertools.pairwise(EDGES)),
    "colour noise, coarse",
    "colour noise, fine",
    "block edges",
)
"""Names of the columns of `describe`; frequencies in cycles per LR pixel."""


UNITS = np.array([0.05] * 6 + [0.05] * 4 + [0.25] * 8 + [0.1])
"""What counts as one unit of difference: 0.05 of contrast, 13 % of noise, 10 % of block edges."""


@dataclass(frozen=True, eq=False)
class _Grid:
    window: Real
    bands: NDArray[np.bool_]
    """(bands, n * n): frequencies of each."""
    leaning: Real
    """(2, n * n): cosine and sine of twice the angle."""


@lru_cache(maxsize=8)
def _grid(side: int) -> _Grid:
    f = np.fft.fftfreq(side)
    rows, columns = np.meshgrid(f, f, indexing="ij")
    radius = np.hypot(rows, columns).ravel()
    # Nyquist itself belongs to no direction, and HR has it twice.
    inside = (np.abs(rows) < 0.5 - 1e-9).ravel() & (np.abs(columns) < 0.5 - 1e-9).ravel()
    bands = [inside & (radius >= a) & (radius < b) for a, b in itertools.pairwise(EDGES)]
    angle = np.arctan2(rows, columns).ravel()
    return _Grid(hann(side), np.stack(bands), np.stack([np.cos(2 * angle), np.sin(2 * angle)]))


def hann(side: int) -> Real:
    """(side, side) window, sampled at the centres of pixels."""
    line = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(side) + 0.5) / side)
    return np.outer(line, line)


def describe(pairs: Sequence[tuple[Image, Image]]) -> Real:
    """The degradation that made LR of HR, measured on some pairs of it together.

    Args:
        pairs: HR (s n, s n, 3) and LR (n, n, 3) uint8, all of one size.

    Returns:
        (len(NAMES),): see there.
    """
    luma = [(grey(hr), grey(lr)) for hr, lr in pairs]
    colour = [(_red(hr), _red(lr)) for hr, lr in pairs]
    transfer, leaning, noise = _follow(luma)
    rest = _follow(colour)[2]
    blocks = [blockiness(_both_ways(lr)).max() for _, lr in luma]
    coarse, fine = rest[:3].mean(), rest[3:].mean()
    logs = np.log(np.array([*noise, coarse, fine]) + FLOOR)
    return np.concatenate([transfer, leaning.ravel(), logs, [float(np.mean(blocks))]])


def _red(image: Image) -> Real:
    return np.asarray(image[..., 0].astype(np.float64) - image[..., 1])


def _both_ways(plane: Real) -> Real:
    return np.stack([plane, plane.T])


def _follow(pairs: Sequence[tuple[Real, Real]]) -> tuple[Real, Real, Real]:
    """Transfer (bands,), how it leans (2, 2), and what is left (bands,)."""
    grid = _grid(pairs[0][1].shape[0])
    spectra = [(_on_lr_grid(hr, lr.shape[0]), _spectrum(lr, grid.window)) for hr, lr in pairs]
    there = np.stack([a for a, _ in spectra]).reshape(len(pairs), -1)
    here = np.stack([b for _, b in spectra]).reshape(len(pairs), -1)
    power, cross = (np.abs(there) ** 2).sum(0), (here * there.conj()).real.sum(0)
    transfer = np.array([cross[band].sum() / (power[band].sum() + 1e-9) for band in grid.bands])
    leaning = np.stack([_leaning(power, cross, grid, transfer, two) for two in LEANING])
    follows = np.zeros(power.shape)
    for number, band in enumerate(grid.bands):
        part = next((n for n, two in enumerate(LEANING) if number in two), None)
        tilt = 0.0 if part is None else leaning[part] @ grid.leaning[:, band]
        follows[band] = transfer[number] + tilt
    left = (np.abs(here - follows * there) ** 2).mean(0) / np.square(grid.window).sum()
    return transfer, leaning, np.array([left[band].mean() for band in grid.bands])


def _leaning(power: Real, cross: Real, grid: _Grid, transfer: Real, bands: tuple[int, ...]) -> Real:
    """Least squares for the part of the transfer that goes with twice the angle, (2,)."""
    gram, right = np.eye(2) * 1e-9, np.zeros(2)
    for number in bands:
        band = grid.bands[number]
        basis, weight = grid.leaning[:, band], power[band]
        gram = gram + (basis * weight) @ basis.T
        right = right + basis @ (cross[band] - transfer[number] * weight)
    return np.linalg.solve(gram + np.eye(2) * 0.05 * np.trace(gram), right)


def _spectrum(plane: Real, window: Real) -> NDArray[np.complex128]:
    return np.fft.fft2((plane - plane.mean()) * window)


def _on_lr_grid(plane: Real, side: int) -> NDArray[np.complex128]:
    """Spectrum of the HR as an ideal lens and sensor would show it: LR frequencies alone, at the
    centres of LR pixels.
    """
    scale = plane.shape[0] // side
    whole = _spectrum(plane, hann(plane.shape[0])) / scale**2
    f = np.fft.fftfreq(side)
    places = np.rint(f * side).astype(int)
    phase = np.exp(1j * np.pi * f * (scale - 1) / scale)
    return np.asarray(whole[np.ix_(places, places)] * np.outer(phase, phase))

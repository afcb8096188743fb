"""What is measured on a patch: noise, spectrum, colour correlation, brightness dependence, blocks
and edges.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
CELL = 6
"""Side of the cells on which noise is measured against brightness, in pixels."""
CALM = (0.05, 0.15, 0.3, 0.5, 0.7)
"""Parts of the cells below the measured strengths of noise: the calm ones hold noise and little
else."""
LEAST = 0.05
"""Intensity levels that are added before a logarithm: below the noise of rounding."""
RINGS = 10
LUMA, OFFSET = np.array([1, 1, 1]) / 3, 1e-2
NAMES_OF_CHANNELS = ("red", "green", "blue")


def names(side: int) -> tuple[str, ...]:
    """Names of the columns of `features` for patches of `side` pixels, in words."""
    noise = [
        f"{what} of {channel}" for what in ("noise", "spikes") for channel in NAMES_OF_CHANNELS
    ]
    pairs = [
        f"noise shared by {pair}" for pair in ("red and green", "green and blue", "blue and red")
    ]
    rings = [
        f"{kind} at {f:.2f} cycles per pixel"
        for kind in ("detail", "red-green detail", "blue-green detail")
        for f in frequencies(side)
    ]
    axes = [
        f"{way} detail at {f:.2f} cycles per pixel"
        for way in ("horizontal", "vertical")
        for f in frequencies(side)
    ]
    calm = [f"noise of the calmest {share:.0%} of cells" for share in CALM]
    rest = [
        "noise growing with brightness",
        "noise of bright patches",
        "vertical block edges",
        "horizontal block edges",
        "block edges anywhere",
        "edge width",
    ]
    return (*noise, *pairs, *rings, *axes, *calm, *rest)


def features(pixels: NDArray[np.uint8]) -> Real:
    """The features of patches.

    Args:
        pixels: (N, p, p, 3) uint8 RGB, p at least 16 and a multiple of 8.

    Returns:
        (N, F) in the order of `names(p)`; logarithms of strengths, so that twice as strong is the
        same step everywhere.
    """
    values = pixels.astype(np.float64)
    rest = residual(values)
    std = residual_std(rest)
    noise = np.log(std + LEAST)
    grey = values @ LUMA
    level = (grey.mean(axis=(1, 2)) - 128) / 64
    spectra = [
        spectrum(plane)
        for plane in (grey, values[..., 0] - values[..., 1], values[..., 2] - values[..., 1])
    ]
    rings = [np.log(ring_means(power) + OFFSET) for power in spectra]
    axes = [np.log(part + OFFSET) for part in axis_means(spectra[0])]
    across, down = blockiness(grey), blockiness(grey.transpose(0, 2, 1))
    blocks = np.stack(
        [across[:, 0], down[:, 0], np.maximum(across.max(axis=1), down.max(axis=1))], axis=1
    )
    columns = [
        noise,
        np.log(kurtosis(rest)),
        correlation(rest),
        *rings,
        *axes,
        calm_noise(grey, rest),
        brightness_slope(grey, rest)[:, None],
        (noise.mean(axis=1) * level)[:, None],
        blocks,
        np.log(edge_width(grey))[:, None],
    ]
    return np.concatenate(columns, axis=1)


def residual(values: Real) -> Real:
    """High-pass residual of (N, p, p, 3): Immerkaer's mask (CVIU 1996), which ignores planes and
    keeps white noise as strong.

    Returns:
        (N, p - 2, p - 2, 3), in intensity levels.
    """
    rows = values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]
    return np.asarray((rows[:, :, :-2] - 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 6)


def residual_std(rest: Real) -> Real:
    """Root mean square of (N, h, w, 3) per channel, (N, 3)."""
    return np.asarray(np.sqrt(np.square(rest).mean(axis=(1, 2))))


def kurtosis(rest: Real) -> Real:
    """Mean fourth power over squared mean square per channel, (N, 3): 3 for Gaussian noise, more
    where edges stick out.
    """
    square = np.square(rest)
    floor = LEAST**2
    return np.asarray(
        (np.square(square).mean(axis=(1, 2)) + 3 * floor**2)
        / np.square(square.mean(axis=(1, 2)) + floor)
    )


def correlation(rest: Real) -> Real:
    """Correlation of the residuals of red and green, green and blue, blue and red, (N, 3)."""
    std = residual_std(rest) + LEAST
    return np.stack(
        [
            (rest[..., a] * rest[..., b]).mean(axis=(1, 2)) / (std[:, a] * std[:, b])
            for a, b in ((0, 1), (1, 2), (2, 0))
        ],
        axis=1,
    )


def spectrum(plane: Real) -> Real:
    """Power of (N, p, p) tapered by a Hann window; white noise of variance v has power v
    everywhere.
    """
    side = plane.shape[1]
    taper = np.outer(*(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(side) + 0.5) / side),) * 2)
    centred = plane - plane.mean(axis=(1, 2), keepdims=True)
    return np.asarray(np.square(np.abs(np.fft.fft2(centred * taper))) / np.square(taper).sum())


def frequencies(side: int) -> tuple[float, ...]:
    """Middles of the rings, in cycles per pixel; the lowest frequencies are content and left
    out.
    """
    edges = _edges(side)
    return tuple(((edges[:-1] + edges[1:]) / 2).tolist())


def _edges(side: int) -> Real:
    return np.linspace(2 / side, 0.5, RINGS + 1)


@lru_cache(maxsize=8)
def _rings(side: int) -> tuple[Real, Real]:
    """Which frequencies each ring and each piece of the horizontal axis averages: two (p * p,
    RINGS) of weights.
    """
    f = np.abs(np.fft.fftfreq(side))
    radius = np.hypot(f[:, None], f[None])
    edges = _edges(side)
    edges[-1] = 1.0  # the corners belong to the last ring
    band = np.broadcast_to(f[None], (side, side))
    low = (f <= 0.1)[:, None]
    out = []
    for where, distance in ((radius > 0, radius), (low, band)):
        masks = [(where & (distance >= a) & (distance < b)).ravel() for a, b in pairwise(edges)]
        out.append(np.stack([mask / max(1, mask.sum()) for mask in masks], axis=1))
    return out[0], out[1]


def ring_means(power: Real) -> Real:
    """Mean of a spectrum over rings of equal width, (N, RINGS)."""
    return np.asarray(power.reshape(len(power), -1) @ _rings(power.shape[1])[0])


def axis_means(power: Real) -> tuple[Real, Real]:
    """Mean of a spectrum along its horizontal and its vertical axis, two (N, RINGS)."""
    weights = _rings(power.shape[1])[1]
    return tuple(
        np.asarray(p.reshape(len(p), -1) @ weights) for p in (power, power.transpose(0, 2, 1))
    )  # type: ignore[return-value]


def cells(plane: Real) -> Real:
    """Means of (N, h, w) over whole 6 x 6 cells from the upper left corner, (N, rows, columns)."""
    count, rows, columns = plane.shape[0], plane.shape[1] // CELL, plane.shape[2] // CELL
    whole = plane[:, : rows * CELL, : columns * CELL]
    return np.asarray(whole.reshape(count, rows, CELL, columns, CELL).mean(axis=(2, 4)))


def cell_noise(grey: Real, rest: Real) -> tuple[Real, Real]:
    """Brightness and residual strength of cells, two (N, cells), in intensity levels."""
    level, variance = cells(grey[:, 1:-1, 1:-1]), cells(np.square(rest).mean(axis=3))
    return level.reshape(len(level), -1), np.sqrt(variance).reshape(len(level), -1)


def calm_noise(grey: Real, rest: Real) -> Real:
    """Log noise of the calmer cells, as if all were of one brightness: the variance of shot noise
    grows with it, (N, 5).
    """
    level, std = cell_noise(grey, rest)
    return np.quantile(np.log(std + LEAST) - 0.5 * np.log(level + 16), CALM, axis=1).T


def brightness_slope(grey: Real, rest: Real) -> Real:
    """How fast the log variance of the residual grows with brightness inside patches, per 64
    intensity levels, (N,).

    A patch of one brightness says nothing: its slope is drawn to 0.
    """
    level, std = cell_noise(grey, rest)
    x = (level - level.mean(axis=1, keepdims=True)) / 64
    y = 2 * np.log(std + LEAST)
    return np.asarray(
        (x * (y - y.mean(axis=1, keepdims=True))).mean(axis=1) / (np.square(x).mean(axis=1) + 0.02)
    )


def blockiness(grey: Real) -> Real:
    """Log of the mean bend across each of the eight phases of column boundaries over that of all
    others, (N, 8).

    Phase 0 is the boundary between columns 7 and 8. The bend is the step minus the mean of its
    neighbours' steps, so that a slope bends nowhere.
    """
    step = np.diff(grey, axis=2)
    bend = np.abs(step[:, :, 1:-1] - (step[:, :, :-2] + step[:, :, 2:]) / 2).mean(axis=1)
    phase = (np.arange(bend.shape[1]) + 2) % 8  # bend j lies between columns j + 1 and j + 2
    means = np.stack([bend[:, phase == number].mean(axis=1) for number in range(8)], axis=1)
    others = (means.sum(axis=1, keepdims=True) - means) / 7
    return np.asarray(np.log((means + LEAST) / (others + LEAST)))


def edge_width(grey: Real) -> Real:
    """Width of the sharpest edge of (N, p, p) patches, in pixels: range of grey over the steepest
    slope, (N,).
    """
    along = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) / 2
    down = (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]) / 2
    slope = np.hypot(along, down).reshape(len(grey), -1)
    low, high = np.percentile(grey.reshape(len(grey), -1), [5, 95], axis=1)
    return np.asarray((high - low + 1) / (np.percentile(slope, 99, axis=1) + 0.5))

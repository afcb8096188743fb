"""What the patches of one side look like, in numbers that a person can compare."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism import features as f
from pairmill.schemas.realism import SideStatistics

BIN, FEWEST = 16, 24
"""Intensity levels of a point of the noise curve, and cells that it needs."""


def describe(pixels: NDArray[np.uint8]) -> SideStatistics:
    """Statistics of (N, p, p, 3) patches."""
    values = pixels.astype(np.float64)
    grey, rest = values @ f.LUMA, f.residual(values)
    power = np.log10(f.ring_means(f.spectrum(grey)) + f.OFFSET).mean(axis=0) * 10
    std, width = (
        np.median(f.residual_std(rest), axis=0),
        np.percentile(f.edge_width(grey), [25, 50, 75]),
    )
    blocks = (f.blockiness(grey)[:, 0] + f.blockiness(grey.transpose(0, 2, 1))[:, 0]) / 2
    return SideStatistics(
        spectrum=tuple(zip(_short(f.frequencies(pixels.shape[1])), _short(power), strict=True)),
        noise=noise_curve(*f.cell_noise(grey, rest)),
        residual_std=_three(std),
        edge_width=_three(width),
        correlation=float(round(np.median(f.correlation(rest)), 4)),
        blockiness=float(round(np.median(blocks), 4)),
    )


def noise_curve(
    level: NDArray[np.float64], std: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """(brightness, std) of the calmest quarter of cells in bins of brightness: noise, with as
    little texture as there is.

    Args:
        level: Mean intensity level of cells.
        std: Strength of their residual, in intensity levels.
    """
    level, std = level.ravel(), std.ravel()
    points = []
    for start in range(0, 256, BIN):
        mine = std[(level >= start) & (level < start + BIN)]
        if len(mine) >= FEWEST:
            points.append((start + BIN / 2, float(np.percentile(mine, 25))))
    return tuple((x, round(y, 4)) for x, y in points)


def _short(values: object) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in np.asarray(values))


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = _short(values)
    return first, second, third

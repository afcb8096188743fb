"""What people read off a blur: its transfer curve, its width, how sure both are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.forms import COUNT, HALF, Blur

Array = NDArray[np.float64]

DIRECTIONS = 16
"""Directions that a curve is the mean of."""
FREQUENCIES = np.linspace(0.0, 1.0, 201)
"""Where curves are given, in cycles per pixel of the photograph; it shows those up to 0.5."""
SHARPENS = 0.02
"""Overshoot from which on a camera is said to sharpen."""


def transfer_curve(blur: Blur, direction: float | None = None) -> Array:
    """|K| at `FREQUENCIES`, the mean over all directions, or along one, in radians from the column
    axis.
    """
    angles = np.arange(DIRECTIONS) * math.pi / DIRECTIONS
    if direction is not None:
        angles = np.array([direction])
    along = FREQUENCIES[:, None] / HALF
    return np.asarray(np.abs(blur.transfer(along * np.sin(angles), along * np.cos(angles))).mean(1))


def falls_to(curve: Array, level: float) -> float:
    """The frequency, in cycles per pixel, at which a curve first falls to a level; 1 if it does
    not.
    """
    below = np.flatnonzero(curve < level)
    if not len(below):
        return float(FREQUENCIES[-1])
    after = int(below[0])
    step = (curve[after - 1] - level) / (curve[after - 1] - curve[after])
    return float(FREQUENCIES[after - 1] + step * (FREQUENCIES[after] - FREQUENCIES[after - 1]))


def overshoot(curve: Array) -> float:
    """By how much contrast is raised where it is raised most."""
    return max(0.0, float(curve.max()) - 1)


def width(blur: Blur) -> float:
    """Standard deviation of the Gaussian that falls to a half where a blur does, in HR pixels of
    scale 2. Of any form a steady measure: second moments of lobes mean nothing.
    """
    return width_of(falls_to(transfer_curve(blur), 0.5))


def width_of(half: float) -> float:
    """The same of a blur whose transfer falls to a half at a frequency, in cycles per pixel of the
    photograph.
    """
    return math.sqrt(math.log(2) / 2) / math.pi * HALF / half


def deviations(
    blur: Blur, parts: Sequence[tuple[Array, Sequence[int]]], scale: int, size: int
) -> tuple[float, float]:
    """How sure a blur is, to first order.

    Args:
        blur: the blur.
        parts: covariances (f, f) that add up, each with the parameters that it is of.
        scale: scale of the kernel.
        size: side of the kernel.

    Returns:
        Expected |k - truth| / |truth| of the kernel, and standard deviation of the width, in HR
        pixels of scale 2.
    """
    kernel, wide = blur.kernel(scale, size), width(blur)
    squares = np.zeros(2)
    for moved in _moved(blur, parts):
        change = np.linalg.norm(moved.kernel(scale, size) - kernel)
        squares += np.square([float(change), width(moved) - wide])
    error, wider = np.sqrt(squares)
    return float(error / np.linalg.norm(kernel)), float(wider)


def width_deviation(blur: Blur, parts: Sequence[tuple[Array, Sequence[int]]]) -> float:
    """Standard deviation of `width`, to first order; see `deviations`."""
    wide = width(blur)
    return math.sqrt(sum((width(moved) - wide) ** 2 for moved in _moved(blur, parts)))


def curve_deviation(blur: Blur, parts: Sequence[tuple[Array, Sequence[int]]]) -> Array:
    """Standard deviation of the transfer curve at `FREQUENCIES`, to first order; see
    `deviations`.
    """
    curve = transfer_curve(blur)
    squares = [np.square(transfer_curve(moved) - curve) for moved in _moved(blur, parts)]
    return np.asarray(np.sqrt(np.sum(squares, axis=0)))


def elongation(blur: Blur) -> tuple[float, float]:
    """How much longer a blur is in one direction than across it, and that direction, in radians
    from the column axis towards the rows, 0 to pi: by where the curves along directions fall to a
    half.
    """
    angles = np.arange(DIRECTIONS) * math.pi / DIRECTIONS
    halves = [falls_to(transfer_curve(blur, float(angle)), 0.5) for angle in angles]
    # Lengths in a direction and across it are those of an ellipse: a wave of twice the angle.
    logs = -np.log(halves)
    wave = 2 * np.mean(logs * np.exp(2j * angles))
    return math.exp(2 * abs(wave)), float(np.angle(wave) / 2 % math.pi)


def _moved(blur: Blur, parts: Sequence[tuple[Array, Sequence[int]]]) -> Iterator[Blur]:
    """The blur, moved by a standard deviation along each principal axis of its covariances."""
    for covariance, places in parts:
        variances, axes = np.linalg.eigh(covariance)
        for variance, axis in zip(variances, axes.T, strict=True):
            values = np.zeros(COUNT)
            values[list(places)] = math.sqrt(max(variance, 0.0)) * axis
            yield Blur(blur.values + values, blur.noise_sharpened)

"""Blur kernels from shapes and parameters, in float64, rounded to the grid of 2**-16 with sum
exactly 1.

Convention: row and column offsets are counted from `size // 2 + shift`; x grows with the column, y
against the row, so that angles are counter-clockwise as one sees the image. Gaussian-like shapes
and the sinc are sampled at the centres of the cells, as their sources do; lines and discs are drawn
with the area that they cover in each cell.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

from pairmill.schemas.ops.blur import (
    DiscKernel,
    GaussianKernel,
    GeneralisedKernel,
    Kernel,
    MotionKernel,
    PlateauKernel,
    SincKernel,
)

Array = NDArray[np.float64]
Point = tuple[float, float]
UNIT = 1 << 16
FINE = 1 << 20
"""Cells are compared in units of 2**-36, so that the last bits of a processor's exp or sin do not
order equal cells."""
LEAST_SIGMA = 0.01
"""Widths below this, in pixels, act as this: the kernel is one cell, or a few where the centre lies
between cells."""


@lru_cache(maxsize=256)
def weights(kernel: Kernel) -> Array:
    """The weights of a kernel, (size, size), read-only: multiples of 2**-16 with sum 1.

    Negative weights occur in the sinc only.
    """
    rounded = to_grid(_draw(kernel))
    rounded.setflags(write=False)
    return rounded


def to_grid(values: Array) -> Array:
    """The values, divided by their sum and rounded down or up to multiples of 2**-16 so that the
    sum is exactly 1.

    Those with the largest remainders are rounded up; of equal ones the first.

    Raises:
        ValueError: if the sum is not positive.
    """
    total = float(values.sum())
    if not total > 0:
        raise ValueError(f"a kernel of sum {total} cannot be normalised")
    # First to a finer grid: equal cells are equal there, whatever the last bits of exp or sin.
    fine = np.rint(values.ravel() * (UNIT * float(FINE) / total)) / FINE
    fixed = np.floor(fine)
    missing = UNIT - int(fixed.sum())
    largest = np.argsort(fixed - fine, kind="stable")[:missing]
    fixed[largest] += 1
    return (fixed / UNIT).reshape(values.shape)


def _draw(kernel: Kernel) -> Array:
    """Values in proportion to the weights."""
    x, y = _cells(kernel)
    match kernel:
        case GaussianKernel() | GeneralisedKernel() | PlateauKernel():
            return _elliptic(kernel, x, y)
        case SincKernel():
            return sinc(np.hypot(x, y), kernel.cutoff)
        case MotionKernel():
            return line(x, y, kernel.length, kernel.angle)
        case DiscKernel():
            return disc(x, y, kernel.radius)


def _cells(kernel: Kernel) -> tuple[Array, Array]:
    """Where the centres of the cells lie, x and y against the kernel's centre, in pixels: (1, size)
    and (size, 1).
    """
    along = np.arange(kernel.size, dtype=np.float64) - kernel.size // 2
    # Rows run downwards, y upwards.
    return (along - kernel.shift[1])[None, :], -(along - kernel.shift[0])[:, None]


def _elliptic(
    kernel: GaussianKernel | GeneralisedKernel | PlateauKernel, x: Array, y: Array
) -> Array:
    """exp(-q / 2), exp(-q^b / 2) or 1 / (1 + q^b) (Real-ESRGAN, Sec. 3.1), with its largest value
    1.
    """
    cos, sin = math.cos(kernel.angle), math.sin(kernel.angle)
    first = (x * cos + y * sin) / max(kernel.sigma_x, LEAST_SIGMA)
    second = (y * cos - x * sin) / max(kernel.sigma_y, LEAST_SIGMA)
    # Less its least value below: a narrow kernel between cells would be 0 everywhere otherwise.
    q = first**2 + second**2
    if isinstance(kernel, GaussianKernel):
        return np.asarray(np.exp((q.min() - q) / 2))
    power = np.power(q, kernel.beta)
    if isinstance(kernel, GeneralisedKernel):
        return np.asarray(np.exp((power.min() - power) / 2))
    return np.asarray((1 + power.min()) / (1 + power))


def sinc(radius: Array, cutoff: float) -> Array:
    """The ideal circular low-pass filter, w J1(w r) / (2 pi r), at 0 its limit w^2 / (4 pi)
    (Real-ESRGAN, eq. 4).
    """
    # np.where computes both sides: the one that is not taken must not divide by 0.
    safe = np.where(radius > 1e-9, radius, 1.0)
    return np.where(
        radius > 1e-9, cutoff * j1(cutoff * safe) / (2 * np.pi * safe), cutoff**2 / (4 * np.pi)
    )


def disc(x: Array, y: Array, radius: float) -> Array:
    """Area of a disc around the origin in the unit cells around (x, y)."""
    left, right, low, high = x - 0.5, x + 0.5, y - 0.5, y + 0.5
    # A cell by inclusion and exclusion of the four rectangles that end at its corners; rounding may
    # leave a little below 0.
    corners = _corner(right, high, radius) - _corner(left, high, radius)
    return np.maximum(corners - _corner(right, low, radius) + _corner(left, low, radius), 0.0)


def _corner(x: Array, y: Array, radius: float) -> Array:
    """Area of the disc in the rectangle from the origin to (x, y), with the signs of x and y."""
    across, up = np.minimum(np.abs(x), radius), np.minimum(np.abs(y), radius)
    flat = np.sqrt(radius**2 - up**2)  # up to here the rectangle ends below the circle
    beyond = _below_circle(np.maximum(across, flat), radius) - _below_circle(flat, radius)
    return np.asarray(np.sign(x) * np.sign(y) * (up * np.minimum(across, flat) + beyond))


def _below_circle(t: Array, radius: float) -> Array:
    """Integral of sqrt(radius^2 - s^2) for s from 0 to t."""
    height = np.sqrt(np.maximum(radius**2 - t**2, 0.0))
    return np.asarray((t * height + radius**2 * np.arcsin(np.minimum(t / radius, 1.0))) / 2)


def line(x: Array, y: Array, length: float, angle: float) -> Array:
    """Area of a line of this length, one pixel wide, centred at the origin, in the unit cells
    around (x, y).
    """
    cos, sin = math.cos(angle), math.sin(angle)
    ends = [(length / 2, 0.5), (-length / 2, 0.5), (-length / 2, -0.5), (length / 2, -0.5)]
    bar = [(cos * along - sin * across, sin * along + cos * across) for along, across in ends]
    areas = np.zeros((y.size, x.size))
    for column, middle in enumerate(x.ravel().tolist()):
        strip = _between(bar, 0, middle)
        if strip:
            below, above = min(v for _, v in strip) - 0.5, max(v for _, v in strip) + 0.5
            for row in np.flatnonzero((y.ravel() > below) & (y.ravel() < above)).tolist():
                areas[row, column] = _area(_between(strip, 1, float(y[row, 0])))
    return areas


def _between(polygon: list[Point], axis: int, middle: float) -> list[Point]:
    """The part of a convex polygon at most half a pixel from `middle` on one axis."""
    upper = _clipped(polygon, [middle + 0.5 - point[axis] for point in polygon])
    return _clipped(upper, [point[axis] - (middle - 0.5) for point in upper])


def _clipped(polygon: list[Point], depth: list[float]) -> list[Point]:
    """The part of a convex polygon where the depth, given at its corners, is not negative
    (Sutherland and Hodgman 1974).
    """
    kept: list[Point] = []
    for number, (here, inside) in enumerate(zip(polygon, depth, strict=True)):
        before, was_inside = polygon[number - 1], depth[number - 1]
        # The edge from the corner before crosses the border: keep where.
        if (inside < 0) != (was_inside < 0):
            part = was_inside / (was_inside - inside)
            kept.append(
                (before[0] + part * (here[0] - before[0]), before[1] + part * (here[1] - before[1]))
            )
        if inside >= 0:
            kept.append(here)
    return kept


def _area(polygon: list[Point]) -> float:
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    # Half the sum of cross products (the shoelace formula); the sign tells the direction only.
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2

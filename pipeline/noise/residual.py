"""Noise without shading: patches minus a low-order surface."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

GRAIN = 256
"""Residuals are multiples of 1/GRAIN intensity level: last bits that differ between processors
vanish in the rounding."""
Real = TypeVar("Real", np.float32, np.float64)


def residual(patch: NDArray[np.uint8] | NDArray[np.float64]) -> NDArray[np.float32]:
    """The noise of a patch: shading removed, strength as before, mean exactly zero.

    Per channel the least-squares surface of `degree` (all products of a row and a column polynomial
    up to that degree) is subtracted. It takes k of the n degrees of freedom of white noise with it;
    the rest is scaled by the square root of n / (n - k).

    Args:
        patch: (p, p, 3) in intensity levels, uint8 or restored float64, p at least 8.

    Returns:
        (p, p, 3) float32, intensity levels, multiples of 1/256; each channel sums to exactly 0.
    """
    planes = np.moveaxis(patch.astype(np.float64), -1, 0)
    rest = detrend(planes, degree(len(patch)))
    grains = np.rint(rest * (GRAIN * regain(len(patch)))).astype(np.int64)
    return np.ascontiguousarray(np.moveaxis(_zero_sum(grains), 0, -1) / GRAIN, np.float32)


def degree(side: int) -> int:
    """Degree of the surface that is removed, along each axis: 1 at 16 pixels, 3 at 64, 5 at 256."""
    return max(1, side.bit_length() - 4)


def regain(side: int) -> float:
    """What detrended white noise must be multiplied by to have its former strength."""
    lost = (degree(side) + 1) ** 2
    return float(np.sqrt(side * side / (side * side - lost)))


def detrend(planes: NDArray[Real], order: int) -> NDArray[Real]:
    """`planes` (..., h, w) minus their least-squares surfaces of degree `order` along each axis."""
    rows = _polynomials(planes.shape[-2], order).astype(planes.dtype)
    columns = _polynomials(planes.shape[-1], order).astype(planes.dtype)
    return np.asarray(planes - rows.T @ (rows @ planes @ columns.T) @ columns, planes.dtype)


@lru_cache(maxsize=64)
def _polynomials(length: int, order: int) -> NDArray[np.float64]:
    """Orthonormal polynomials on `length` points, (order + 1, length)."""
    points = np.linspace(-1.0, 1.0, length)
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(points, order))
    return np.ascontiguousarray(basis.T)


def _zero_sum(grains: NDArray[np.int64]) -> NDArray[np.int64]:
    """Planes (c, p, p) of integers, the sum of each brought to 0 by single grains at evenly spread
    pixels.
    """
    flat = grains.reshape(len(grains), -1)
    for channel, total in enumerate(flat.sum(axis=1).tolist()):
        all_, single = divmod(total, flat.shape[1])
        flat[channel] -= all_
        # Spread over the patch: all in one corner they would be a step.
        flat[channel, np.arange(single) * flat.shape[1] // max(1, single)] -= 1
    return grains

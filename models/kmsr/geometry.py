"""Kernels of a pool as the generator sees them: the square around the target centre, which may be
flipped and rotated.

A kernel's target centre, `k // 2 + (s - 1) / 2`, is not the middle of its array. The middle of the
last `k - s + 1` rows and columns is, so flips and quarter turns of that core are exact and keep the
kernel where it belongs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import normalise, recentre, to_fixed_point, without_tails

Array = NDArray[np.float64]

ORIENTATIONS = 8
"""Flips and quarter turns of a square."""
SETTLED = 3
"""Rounds of recentring and removing tails, each of which moves the other's result a little."""


def cores(kernels: Array, scale: int) -> Array:
    """The squares around the target centres of (N, k, k) kernels: (N, k - s + 1, k - s + 1), each
    of sum 1.

    The `s - 1` first rows and columns, which have no counterpart on the other side of the centre,
    are left out.
    """
    found = kernels[:, scale - 1 :, scale - 1 :]
    return np.asarray(found / found.sum(axis=(1, 2), keepdims=True))


def turned(core: Array, orientation: int) -> Array:
    """A square array in one of the `ORIENTATIONS`: by quarter turns, from 4 on after a
    transposition.
    """
    return np.rot90(core.T if orientation >= 4 else core, orientation % 4)


def in_all_orientations(squares: Array) -> Array:
    """(8 N, n, n) of (N, n, n): all of the first orientation first."""
    return np.stack(
        [turned(square, orientation) for orientation in range(ORIENTATIONS) for square in squares]
    )


def whole(core: Array, scale: int) -> Array:
    """The kernel (k, k) of a core (n, n), k = n + s - 1: the inverse of `cores`."""
    return np.pad(core, ((scale - 1, 0), (scale - 1, 0)))


def finished(core: Array, scale: int) -> Array:
    """A core as a kernel of a pool: non-negative, centred, without tails, on the 2^-16 grid with
    sum exactly 1.

    Args:
        core: (n, n), as generated; may have negative cells and any positive sum.
        scale: that the kernel is for.

    Returns:
        (n + s - 1, n + s - 1).

    Raises:
        ValueError: if it has no positive cell or cannot be centred.
    """
    kernel = whole(normalise(np.maximum(core, 0.0)), scale)
    for _ in range(SETTLED):
        kernel = without_tails(recentre(kernel, scale))
    return to_fixed_point(kernel)


def anisotropy(kernel: Array) -> float:
    """Ratio of the largest to the least standard deviation over all directions: 1 for a round
    kernel, at least 1. Variances below 1e-12, which lobes may make negative, count as that.
    """
    side = np.arange(kernel.shape[0], dtype=np.float64)
    rows, columns = kernel.sum(axis=1), kernel.sum(axis=0)
    row, column = side - rows @ side, side - columns @ side
    across = float(row @ kernel @ column)
    spread = np.linalg.eigvalsh([[rows @ row**2, across], [across, columns @ column**2]])
    least, largest = np.maximum(spread, 1e-12)
    return float(np.sqrt(largest / least))

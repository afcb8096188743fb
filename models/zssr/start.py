"""The linear filter that upscales an image best as far as the image itself tells, in closed form:
where the network starts.

Father pixels are a linear function of the son pixels around them, one per place in the block of a
son pixel, the same for R, G and B: cubic interpolation, and what least squares adds to it. The
network learns what no filter can do, and need not spend its first hundreds of steps on what one
can.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pairmill.models.functional.resize import bicubic_up

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

CUBIC = 2
"""Son pixels on each side that cubic interpolation sees."""
ROUNDING = 1 / 12
"""Variance of rounding to 8 bits, in squared intensity levels: the least noise of any son."""
MOST = 1 << 15
"""Son pixels of a pair and a channel that are taken, about; more tell nothing new."""


def cubic_filter(scale: int, reach: int) -> Array:
    """(s * s, n, n), n = 2 `reach` + 1: cubic interpolation; rows are the places in the block of a
    son pixel, row by row.
    """
    side = 2 * reach + 1
    impulse = np.zeros((side, side, 1))
    impulse[reach, reach] = 1
    # What one son pixel gives to its surroundings, backwards, is what a place takes from them.
    answers = bicubic_up(impulse, scale)[..., 0].reshape(side, scale, side, scale)
    return np.ascontiguousarray(answers.transpose(1, 3, 0, 2)[:, :, ::-1, ::-1]).reshape(
        scale * scale, side, side
    )


def least_squares(
    pairs: Sequence[tuple[Image, Image]], scale: int, reach: int, noise: float
) -> Array:
    """(s * s, n, n): the filter that makes the fathers of their sons with the least squared error,
    given noise on the sons; every place sums to 1.

    Args:
        pairs: fathers (H, W, 3) and sons (H / s, W / s, 3).
        scale: s.
        reach: son pixels on each side that it sees, n = 2 `reach` + 1; with 0 it is cubic
            interpolation.
        noise: standard deviation of the noise, in intensity levels.
    """
    start = cubic_filter(scale, max(reach, CUBIC))
    if reach == 0:
        return start
    reach, side = max(reach, CUBIC), start.shape[-1]
    count, middle = side * side, side * side // 2
    gram, products, seen = np.zeros((count, count)), np.zeros((count, scale * scale)), 0
    for father, son in pairs:
        for channel in range(3):
            rows, wanted = _equations(father[..., channel], son[..., channel], scale, reach)
            left = wanted - rows @ start.reshape(scale * scale, -1).T
            centred = rows - rows[:, middle : middle + 1]
            gram += centred.T @ centred
            products += centred.T @ left
            seen += len(rows)
    variance = max(noise * noise, ROUNDING)
    gram[np.diag_indices(count)] += variance * seen
    added = np.linalg.solve(gram, products)
    # Differences from the middle sum to 0: flat parts stay as they are.
    added[middle] = -(added.sum(0) - added[middle])
    return start + added.T.reshape(start.shape)


def _equations(father: Image, son: Image, scale: int, reach: int) -> tuple[Array, Array]:
    """Surroundings of son pixels, (N, n * n), and the father pixels in their blocks, (N, s * s)."""
    side = 2 * reach + 1
    around = sliding_window_view(np.pad(son, reach, "edge"), (side, side))
    blocks = father.reshape(son.shape[0], scale, son.shape[1], scale).transpose(0, 2, 1, 3)
    step = max(1, round((son.size / MOST) ** 0.5))
    rows = around[::step, ::step].reshape(-1, side * side).astype(np.float64)
    return rows, blocks[::step, ::step].reshape(-1, scale * scale).astype(np.float64)

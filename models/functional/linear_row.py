"""One pixel of a chain of blurs and resizes as a weighted sum of the pixels before them: a row of
its matrix, found by going back through the chain from a single 1, each step transposed.

The image has no borders here: rows and columns run on for ever, so that the sum is what holds in
the interior of any image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import Indices, Method, taps

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearRow:
    """A pixel as sum_ab weights[a, b] image[top + a, left + b]."""

    weights: Array
    """(rows, columns)."""
    top: int
    left: int

    @classmethod
    def of_pixel(cls, row: int, column: int) -> LinearRow:
        """A pixel as itself."""
        return cls(np.ones((1, 1)), row, column)

    @property
    def gain(self) -> float:
        """Variance of the pixel over that of independent noise in the image."""
        return float((self.weights**2).sum())

    def before_blur(self, kernel: Array) -> LinearRow:
        """The same pixel of the image before out[i] = sum_u k[u] in[i + u - size // 2]: the weights
        convolved with the kernel.
        """
        reach = len(kernel) // 2
        weights = _convolved(self.weights, kernel)
        return LinearRow(weights, self.top - reach, self.left - reach)

    def before_subsampling(self, scale: int) -> LinearRow:
        """The same pixel of the image of which rows and columns 0, s, 2 s, ... were taken."""
        rows, columns = ((side - 1) * scale + 1 for side in self.weights.shape)
        weights = np.zeros((rows, columns))
        weights[::scale, ::scale] = self.weights
        return LinearRow(weights, self.top * scale, self.left * scale)

    def before_resize(
        self, inputs: tuple[int, int], outputs: tuple[int, int], method: Method
    ) -> LinearRow:
        """The same pixel of the image of `inputs` rows and columns that became `outputs`."""
        (height, width), sides = self.weights.shape, list(zip(inputs, outputs, strict=True))
        spans = (self.top, self.top + height), (self.left, self.left + width)
        if sides[0] == sides[1]:
            # Both axes at once: what there is to do for each output is little.
            (rows, top), (columns, left) = _matrices(spans, *sides[0], method)
        else:
            (rows, top), (columns, left) = (
                _matrices((span,), *side, method)[0]
                for span, side in zip(spans, sides, strict=True)
            )
        return LinearRow(rows.T @ self.weights @ columns, top, left)


def _convolved(weights: Array, kernel: Array) -> Array:
    """The full convolution, as large as both together less 1."""
    if weights.size == 1:
        return kernel * float(weights[0, 0])
    last = len(kernel) - 1
    around = np.zeros((weights.shape[0] + last, weights.shape[1] + last))
    around[: weights.shape[0], : weights.shape[1]] = weights
    # OpenCV correlates: with the kernel turned round, whose last cell lies on each pixel, that is a
    # convolution; there are zeros beyond all borders.
    turned = np.ascontiguousarray(kernel[::-1, ::-1])
    found = cv2.filter2D(
        around, cv2.CV_64F, turned, anchor=(last, last), borderType=cv2.BORDER_CONSTANT
    )
    return np.asarray(found)


@lru_cache(maxsize=256)
def _matrices(
    spans: tuple[tuple[int, int], ...], inputs: int, outputs: int, method: Method
) -> list[tuple[Array, int]]:
    """For each span, from a first output to before the next one, what its outputs are made of,
    (outputs, inputs), and the first of the inputs.
    """
    if inputs == outputs:
        return [(np.eye(end - first), first) for first, end in spans]
    only = np.concatenate([np.arange(first, end) for first, end in spans])
    positions, weights = taps(inputs, outputs, method, only=only)
    found, begin = list[tuple[Array, int]](), 0
    for first, end in spans:
        part = slice(begin, begin + end - first)
        found.append(_dense(positions[part], weights[part]))
        begin = part.stop
    return found


def _dense(positions: Indices, weights: Array) -> tuple[Array, int]:
    """A matrix of taps, and the first of the inputs that has a weight."""
    begin, end = int(positions[0, 0]), int(positions[-1, -1]) + 1
    matrix = np.zeros((len(positions), end - begin))
    matrix[np.arange(len(positions))[:, None], positions - begin] = weights
    used = np.flatnonzero(matrix.any(axis=0))
    first, last = int(used[0]), int(used[-1])
    return matrix[:, first : last + 1], begin + first


def on_grid(row: LinearRow, at: tuple[int, int], size: int, scale: int) -> tuple[Array, float]:
    """A pixel of an LR as a kernel on a grid of HR.

    Args:
        row: The pixel `at` of the LR, in pixels of the HR.
        at: Its row and column.
        size: K, odd.
        scale: s.

    Returns:
        (K, K) of sum 1 with LR[i] = sum_u k[u] HR[s i + u - K // 2], whose first s - 1 rows and
        columns are 0, so that it can be mirrored about K // 2 + (s - 1) / 2; and the share of the
        absolute weight that found no place.
    """
    grid, ends = np.zeros((size, size)), list[tuple[int, int, int]]()
    for first, place, count in zip((row.top, row.left), at, row.weights.shape, strict=True):
        start = first - scale * place + size // 2
        low, high = max(start, scale - 1), min(start + count, size)
        ends.append((start, low, max(low, high)))
    (top, low, high), (left, near, far) = ends
    kept = row.weights[low - top : high - top, near - left : far - left]
    grid[low:high, near:far] = kept
    lost = 1 - float(np.abs(kept).sum() / np.abs(row.weights).sum())
    total = float(kept.sum())
    return (grid / total if total else grid), max(lost, 0.0)


def least_grid(row: LinearRow, at: tuple[int, int], scale: int, tolerance: float) -> int:
    """The least K for which `on_grid` leaves out at most this share of the absolute weight."""
    away = [
        np.arange(count) + first - scale * place
        for count, first, place in zip(row.weights.shape, (row.top, row.left), at, strict=True)
    ]
    # Where u lies between s - 1 and K - 1, with u - K // 2 pixels from s i.
    rows, columns = (np.maximum(axis, scale - 1 - axis) for axis in away)
    reach = np.maximum(rows[:, None], columns).ravel()
    weight = np.bincount(reach, np.abs(row.weights).ravel())
    beyond = 1 - np.cumsum(weight) / weight.sum()
    return 2 * int(np.argmax(beyond <= tolerance)) + 1

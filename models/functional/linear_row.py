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
        # OpenCV correlates about the middle: with the kernel turned round that is a convolution.
        around = np.pad(self.weights, reach)
        turned = np.ascontiguousarray(kernel[::-1, ::-1])
        weights = cv2.filter2D(around, cv2.CV_64F, turned, borderType=cv2.BORDER_CONSTANT)
        return LinearRow(np.asarray(weights), self.top - reach, self.left - reach)

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
        ends = self.top + self.weights.shape[0], self.left + self.weights.shape[1]
        (rows, top), (columns, left) = (
            _matrix(first, end, *sides, method)
            for first, end, *sides in zip((self.top, self.left), ends, inputs, outputs, strict=True)
        )
        return LinearRow(rows.T @ self.weights @ columns, top, left)


@lru_cache(maxsize=256)
def _matrix(first: int, end: int, inputs: int, outputs: int, method: Method) -> tuple[Array, int]:
    """What outputs `first` to `end` are made of, (outputs, inputs), and the first of the inputs."""
    if inputs == outputs:
        return np.eye(end - first), first
    positions, weights = _taps(inputs, outputs, method)
    # Output y + outputs lies at input x + inputs: the pattern repeats beyond both ends.
    times, places = np.divmod(np.arange(first, end), outputs)
    seen = positions[places] + inputs * times[:, None]
    used = seen[weights[places] != 0]
    start = int(used.min())
    matrix = np.zeros((end - first, int(used.max()) - start + 1))
    lines, columns = np.nonzero(weights[places])
    matrix[lines, seen[lines, columns] - start] = weights[places][lines, columns]
    return matrix, start


@lru_cache(maxsize=64)
def _taps(inputs: int, outputs: int, method: Method) -> tuple[Indices, Array]:
    return taps(inputs, outputs, method)


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
    grid, inner = np.zeros((size, size)), slice(scale - 1, size)
    top, left = (
        first - scale * place + size // 2
        for first, place in zip((row.top, row.left), at, strict=True)
    )
    rows, columns = np.arange(row.weights.shape[0]) + top, np.arange(row.weights.shape[1]) + left
    fits = [(axis >= inner.start) & (axis < size) for axis in (rows, columns)]
    kept = row.weights[np.ix_(*fits)]
    grid[np.ix_(rows[fits[0]], columns[fits[1]])] = kept
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

"""Blocks and spline nodes that a registration stands on, and fields of shifts made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Grid:
    """Blocks and nodes of an LR size, `side` pixels apart or a little more."""

    shape: tuple[int, int]
    side: int = 24
    scale: int = 2
    """HR side over LR side."""

    @property
    def counts(self) -> tuple[int, int]:
        """Blocks along rows and columns."""
        rows, columns = (max(length // self.side, 1) for length in self.shape)
        return rows, columns

    @property
    def edges(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where blocks begin, and the ends."""
        rows, columns = (
            np.linspace(0, length, count + 1).round().astype(np.intp)
            for length, count in zip(self.shape, self.counts, strict=True)
        )
        return rows, columns

    def sums(self, values: Array) -> Array:
        """Sums over the blocks of an LR-sized array."""
        rows, columns = self.edges
        total: Array = np.add.reduceat(np.add.reduceat(values, rows[:-1], 0), columns[:-1], 1)
        return total

    def spread(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """Values of blocks at each LR pixel."""
        rows, columns = self.edges
        return np.repeat(np.repeat(values, np.diff(rows), 0), np.diff(columns), 1)

    def splines(self, *, on_hr: bool) -> tuple[Array, Array]:
        """Values of the cubic B-splines at all rows and columns of LR or HR, (length, nodes)."""
        factor = self.scale if on_hr else 1
        rows, columns = (
            _splines((np.arange(length * factor) - (factor - 1) / 2) / factor, length, count)
            for length, count in zip(self.shape, self.counts, strict=True)
        )
        return rows, columns

    def affine(self, matrix: Array, shift: Array) -> Array:
        """A field of shifts `matrix @ (row, column) + shift` at the HR pixel (row, column)."""
        rows, columns = (
            (np.arange(count + 3) - 1) * self.scale * length / count - 0.5
            for length, count in zip(self.shape, self.counts, strict=True)
        )
        places = np.stack(np.meshgrid(rows, columns, indexing="ij"))
        return np.asarray(np.tensordot(matrix, places, 1) + shift[:, None, None])

    def flat(self) -> Array:
        """A field of no shift."""
        rows, columns = self.counts
        return np.zeros((2, rows + 3, columns + 3))


def _splines(positions: Array, length: int, count: int) -> Array:
    from scipy.interpolate import BSpline  # late: it takes half a second

    step = length / count
    knots = (np.arange(count + 7) - 3) * step - 0.5
    return np.asarray(BSpline.design_matrix(positions, knots, 3).toarray())


def shifts_at(grid: Grid, field: Array, *, on_hr: bool) -> Array:
    """A field at each pixel, (2, height, width), in HR pixels."""
    rows, columns = grid.splines(on_hr=on_hr)
    return np.stack([rows @ axis @ columns.T for axis in field])


def roughness(shape: tuple[int, ...]) -> Array:
    """Sum of squared second differences of the nodes, as a matrix: nothing affine costs."""
    identity = [np.eye(length) for length in shape]
    first = [np.diff(matrix, axis=0) for matrix in identity]
    second = [np.diff(matrix, 2, axis=0) for matrix in identity]
    parts = [np.kron(second[0], identity[1]), np.kron(identity[0], second[1])]
    mixed = np.sqrt(2) * np.kron(first[0], first[1])
    matrix: Array = sum((part.T @ part for part in parts), mixed.T @ mixed)
    return matrix

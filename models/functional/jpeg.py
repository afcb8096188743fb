"""The quantisation tables of JPEG: the standard ones, those of a quality, and the quality nearest
to given ones.

Source: ITU-T T.81, tables K.1 and K.2; the scale of quality is libjpeg's. Tables have 64 steps in
natural order: row by row, the horizontal frequency runs first. Files store them in zigzag order,
`ZIGZAG`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Table = tuple[int, ...]
Tables = tuple[Table, Table]
"""Luma and chroma."""

LUMA: Table = tuple(
    chain(
        (16, 11, 10, 16, 24, 40, 51, 61),
        (12, 12, 14, 19, 26, 58, 60, 55),
        (14, 13, 16, 24, 40, 57, 69, 56),
        (14, 17, 22, 29, 51, 87, 80, 62),
        (18, 22, 37, 56, 68, 109, 103, 77),
        (24, 35, 55, 64, 81, 104, 113, 92),
        (49, 64, 78, 87, 103, 121, 120, 101),
        (72, 92, 95, 98, 112, 100, 103, 99),
    )
)
"""T.81, table K.1."""

CHROMA: Table = tuple(
    chain(
        (17, 18, 24, 47, 99, 99, 99, 99),
        (18, 21, 26, 66, 99, 99, 99, 99),
        (24, 26, 56, 99, 99, 99, 99, 99),
        (47, 66, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
    )
)
"""T.81, table K.2."""


def _diagonal_walk() -> Table:
    """Even diagonals run upwards, odd ones downwards."""
    cells = ((row, column) for row in range(8) for column in range(8))
    walk = sorted(cells, key=lambda cell: (sum(cell), cell[1 - sum(cell) % 2]))
    return tuple(8 * row + column for row, column in walk)


ZIGZAG: Table = _diagonal_walk()
"""Natural index of each place in a file's table: `in_file[i] == natural[ZIGZAG[i]]`."""


@cache
def tables_of(quality: int) -> Tables:
    """The tables that libjpeg writes for `quality`, 1..100: the standard ones scaled, rounded and
    kept in 1..255.

    Raises:
        ValueError: if the quality is outside 1..100.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"JPEG quality {quality} is not in 1..100")
    # `jpeg_quality_scaling` of libjpeg, in whole numbers as there: quotients in floating point
    # would give other steps for some qualities.
    if quality < 50:
        percent = 5000 // quality
    else:
        percent = 200 - 2 * quality
    luma, chroma = (
        tuple(min(max((step * percent + 50) // 100, 1), 255) for step in table)
        for table in (LUMA, CHROMA)
    )
    return luma, chroma


def nearest_quality(tables: tuple[Sequence[int], Sequence[int]]) -> int:
    """The quality, 1..100, whose tables differ least from `tables` (sum of absolute differences of
    the logarithms of the steps); the lower one when two are equally near. Exact for tables that
    `tables_of` makes: no two qualities share theirs.

    Args:
        tables: Luma and chroma table, 64 steps of at least 1, in natural order.
    """
    wanted = np.log(np.asarray(tables, np.float64).reshape(128))
    # Logarithms: a step of 2 for 1 changes more than one of 100 for 99.
    return 1 + int(np.abs(_all_logarithms() - wanted).sum(axis=1).argmin())


@cache
def _all_logarithms() -> NDArray[np.float64]:
    """(100, 128): the tables of all qualities."""
    return np.log(
        np.array([tables_of(quality) for quality in range(1, 101)], np.float64).reshape(100, 128)
    )

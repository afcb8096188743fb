"""Quantisation tables: the standard ones, the nearest of them, and encoders as rows of a pool."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pairmill.schemas.compression import MinedSubsampling

Table = NDArray[np.int64]
"""(8, 8) quantisation steps by rows, 1..65535: the first row holds the horizontal frequencies."""

LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""ITU-T T.81, table K.1."""
CHROMA = np.full((8, 8), 99)
CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
"""ITU-T T.81, table K.2."""
FACTORS: dict[MinedSubsampling, tuple[int, int]] = {
    "444": (1, 1),
    "422": (1, 2),
    "440": (2, 1),
    "420": (2, 2),
}
"""Rows and columns of pixels per chroma sample."""


def standard(base: Table, quality: int) -> Table:
    """The table of libjpeg's `quality`, 1..100, for baseline files (steps 1..255)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * scale + 50) // 100, 1, 255)


@lru_cache
def _standards(chroma: bool) -> NDArray[np.float64]:
    base = CHROMA if chroma else LUMA
    return np.stack([standard(base, quality) for quality in range(1, 101)]).astype(np.float64)


def nearest_quality(steps: Table, chroma: bool = False) -> tuple[int, bool]:
    """The quality of the nearest standard table, and whether it has exactly these steps.

    Nearest is the least mean |log(step / standard step)|; of equals the highest quality.

    Args:
        steps: (8, 8); 0 where a step is not known.
        chroma: Whether the steps are of chroma.
    """
    known = steps > 0
    if not known.any():
        raise ValueError("no step is known")
    distances = np.abs(np.log(_standards(chroma)[:, known] / steps[known])).mean(axis=1)
    best = 99 - int(np.argmin(np.round(distances[::-1], 9)))
    return best + 1, bool(distances[best] == 0)


@dataclass(frozen=True, eq=False)
class Encoder:
    """All of a JPEG encoder that shows in pixels."""

    luma: Table
    """(8, 8) steps."""
    chroma: Table
    """(8, 8) steps."""
    subsampling: MinedSubsampling
    """Chroma subsampling."""

    def row(self) -> NDArray[np.uint16]:
        """The encoder as (3, 64) uint16: luma steps, chroma steps, and rows and columns per chroma
        sample, then zeros.
        """
        last = np.zeros(64, np.uint16)
        last[:2] = FACTORS[self.subsampling]
        return np.stack([self.luma.ravel(), self.chroma.ravel(), last]).astype(np.uint16)

    @classmethod
    def of_row(cls, row: NDArray[np.uint16]) -> Encoder:
        """The encoder of a (3, 64) uint16 row.

        Raises:
            ValueError: if the row does not hold an encoder.
        """
        names = [name for name, factors in FACTORS.items() if factors == tuple(row[2, :2].tolist())]
        if row.shape != (3, 64) or not names or row[:2].min() < 1:
            raise ValueError("not a row of a compression pool")
        luma, chroma = row[:2].astype(np.int64).reshape(2, 8, 8)
        return cls(luma, chroma, names[0])

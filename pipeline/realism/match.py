"""Matching in content: each synthetic patch is compared with a real one that shows something
alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL = 4
"""Side of the cells that content is measured on, in pixels: their means hold little noise and
little of the kernel."""
CALM = 2.0
"""Intensity levels below which contrast of cells counts as none, so that noise in flat areas is not
taken for content."""
FARTHEST = 1.0
"""Largest distance between matched patches, in standard deviations of the content of all
patches."""


def content(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What patches show, whatever noise, sharpness and compression they have.

    Args:
        pixels: (N, p, p, 3) uint8, p a multiple of 4.

    Returns:
        (N, 3): mean intensity level, log contrast and log gradient of the means of 4 x 4 cells.
    """
    count, side = pixels.shape[:2]
    grey = pixels.mean(axis=3)
    cells = grey.reshape(count, side // CELL, CELL, side // CELL, CELL).mean(axis=(2, 4))
    steps = [np.abs(np.diff(cells, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    contrast = np.log(cells.std(axis=(1, 2)) + CALM)
    return np.stack([cells.mean(axis=(1, 2)), contrast, np.log(np.add(*steps) / 2 + CALM)], axis=1)


def match(
    real: NDArray[np.float64],
    synthetic: NDArray[np.float64],
    spread: NDArray[np.float64],
    most: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of a real and a synthetic patch with the least sum of distances; those too far apart
    are dropped.

    Args:
        real: (R, 3) content of the real patches.
        synthetic: (S, 3) content of the synthetic patches.
        spread: (3,) what counts as one unit of distance.
        most: Maximum number of pairs; the nearest are kept.

    Returns:
        Indices into both, of equal length, in ascending order of the first.
    """
    from scipy.optimize import linear_sum_assignment  # late: it takes long
    from scipy.spatial.distance import cdist

    if not len(real) or not len(synthetic):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    distance = cdist(real / spread, synthetic / spread)
    # A pair that is too far costs the same however far it is: it will be dropped, and must not
    # distort the others.
    first, second = linear_sum_assignment(np.minimum(distance, 2 * FARTHEST))
    apart = distance[first, second]
    nearest = np.flatnonzero(apart <= FARTHEST)
    kept = np.sort(nearest[np.argsort(apart[nearest], kind="stable")[:most]])
    return np.asarray(first[kept], np.intp), np.asarray(second[kept], np.intp)

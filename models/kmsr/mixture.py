"""New kernels without a fit: convex mixtures of rotated and flipped kernels of a pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.kmsr.geometry import ORIENTATIONS, turned

Array = NDArray[np.float64]


def mixtures(cores: Array, count: int, parts: int, rng: np.random.Generator) -> Array:
    """Convex mixtures of `parts` cores each, rotated and flipped at random, with weights uniform on
    the simplex.

    A mixture of Gaussians of different directions is no Gaussian: mixtures are rounder than the
    pool, and wider than its sharpest kernels.

    Args:
        cores: (N, n, n), the squares around the target centres.
        count: mixtures wanted.
        parts: kernels in each.
        rng: stream; five doubles' worth of it per part and no more is used, whatever is drawn.

    Returns:
        (count, n, n), non-negative, sum 1.
    """
    made = np.empty((count, *cores.shape[1:]))
    for number in range(count):
        which, how, raw = rng.random((3, parts))
        chosen = [
            turned(cores[int(w * len(cores))], int(h * ORIENTATIONS))
            for w, h in zip(which, how, strict=True)
        ]
        weights = -np.log1p(-raw)  # exponentials, normalised: uniform on the simplex (Dirichlet 1)
        made[number] = np.tensordot(weights / weights.sum(), np.stack(chosen), axes=1)
    return made

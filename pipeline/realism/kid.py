"""KID: the squared maximum mean discrepancy of two sets of features, without bias."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.features import features
from pairmill.pipeline.realism.interval import around, redrawn
from pairmill.pipeline.realism.kid_feature import CENTRE, SIDE, SPREAD
from pairmill.pipeline.realism.patches import Patches
from pairmill.schemas.realism_card import Score

Real = NDArray[np.float64]
DRAWS = 500


def kid_features(patches: Patches) -> Real:
    """The fixed feature, `kid_feature.NAME`: what `features` measures on a patch, in fixed units.

    Args:
        patches: N patches of 32 x 32.

    Returns:
        (N, F), about 0 with standard deviation 1 over patches of ordinary photographs.
    """
    assert patches.pixels.shape[1:] == (SIDE, SIDE, 3)
    values = features(patches.pixels) if patches.values is None else patches.values
    return np.asarray((values - np.array(CENTRE)) / np.array(SPREAD))


def polynomial(x: Real, y: Real) -> Real:
    """The kernel (x . y / d + 1)^3 of all rows of x (N, d) and y (M, d), (N, M)."""
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


def kid(
    photographs: Real,
    made: Real,
    sources: tuple[NDArray[np.str_], NDArray[np.str_]],
    seed: int,
) -> Score:
    """Kernel inception distance (Binkowski et al., ICLR 2018): the unbiased estimate of the squared
    MMD with the cubic polynomial kernel,
    sum_{i != j} k(x_i, x_j) / (n (n - 1)) + sum_{i != j} k(y_i, y_j) / (m (m - 1))
    - 2 sum_{i, j} k(x_i, y_j) / (n m).

    All patches are used at once, not means over subsets. The interval is over a new choice of
    source images, by which the two sides are drawn together; a patch is never paired with itself.

    Args:
        photographs: (N, d) features, N at least 2.
        made: (M, d) features, M at least 2.
        sources: Names of the source images of both.
        seed: Seed of the bootstrap.
    """
    names = sorted({*sources[0].tolist(), *sources[1].tolist()})
    first, second = ((side[:, None] == np.array(names)).astype(np.float64) for side in sources)
    parts = (
        _within(polynomial(photographs, photographs), first),
        _within(polynomial(made, made), second),
        (
            first.T @ polynomial(photographs, made) @ second,
            np.outer(first.sum(axis=0), second.sum(axis=0)),
        ),
    )
    value = float(_discrepancy(parts, np.ones((1, len(names))))[0])
    interval = None
    if len(names) > 1:
        values = _discrepancy(parts, redrawn(len(names), seed, DRAWS))
        low, high = around(value, values[np.isfinite(values)], len(names))
        interval = (round(low, 5), round(high, 5))
    return Score(value=round(value, 5), interval=interval)


_Sums = tuple[Real, Real]


def _within(kernel: Real, owner: Real) -> _Sums:
    """Sums and numbers of pairs by two images, (I, I), less those of a patch with itself, which an
    image brings along as often as it is there with itself.
    """
    own = owner.T @ np.diag(kernel)
    counts = owner.sum(axis=0)
    return owner.T @ kernel @ owner - np.diag(own), np.outer(counts, counts) - np.diag(counts)


def _discrepancy(parts: tuple[_Sums, _Sums, _Sums], times: Real) -> Real:
    """The estimate, (D,), where images are there so many times, (D, I)."""
    real, made, across = (
        np.einsum("di,ij,dj->d", times, sums, times, optimize=True)
        / np.maximum(np.einsum("di,ij,dj->d", times, pairs, times, optimize=True), 1e-9)
        for sums, pairs in parts
    )
    return np.asarray(real + made - 2 * across)

"""The area under the ROC curve by pairs of images, and its interval over a new choice of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.rng import stream

Real = NDArray[np.float64]
DRAWS = 2000


def pair_counts(
    scores: Real, synthetic: NDArray[np.bool_], sources: NDArray[np.intp], folds: NDArray[np.intp]
) -> tuple[Real, Real]:
    """How often a synthetic patch of one image scored above a real patch of another, and of how
    many pairs.

    Only patches of one fold are compared: scores of different folds come from different
    classifiers.

    Args:
        scores: (N,) higher means more likely synthetic.
        synthetic: (N,) which patches are.
        sources: (N,) number of each patch's source image.
        folds: (N,) its fold.

    Returns:
        Wins, where a tie counts half, and pairs, both (I, I): rows are images of the synthetic
            patch.
    """
    count = int(sources.max()) + 1
    wins, pairs = np.zeros((count, count)), np.zeros((count, count))
    for fold in np.unique(folds):
        a, b = (
            np.flatnonzero((folds == fold) & synthetic),
            np.flatnonzero((folds == fold) & ~synthetic),
        )
        above = np.sign(scores[a][:, None] - scores[b][None]) / 2 + 0.5
        rows, columns = np.eye(count)[sources[a]], np.eye(count)[sources[b]]
        wins += rows.T @ above @ columns
        pairs += rows.T @ np.ones_like(above) @ columns
    return wins, pairs


def area(wins: Real, pairs: Real) -> float:
    """Share of pairs in which the synthetic patch scored higher: the AUC within folds, weighted by
    pairs.
    """
    return float(wins.sum() / pairs.sum())


def interval(wins: Real, pairs: Real, seed: int) -> tuple[float, float]:
    """95 % interval of the AUC by drawing the images anew, with replacement.

    The bootstrap's standard deviation is taken with the quantile of Student's t for the number of
    images: the plain percentiles of few images are too narrow. What another training would change
    is not in it.
    """
    times = redrawn(len(wins), seed)
    total = np.einsum("di,ij,dj->d", times, pairs, times, optimize=True)
    won = np.einsum("di,ij,dj->d", times, wins, times, optimize=True)
    possible = total > 0
    low, high = around(area(wins, pairs), won[possible] / total[possible], len(wins))
    return max(0.0, low), min(1.0, high)


def redrawn(count: int, seed: int, draws: int = DRAWS) -> Real:
    """How often each of `count` images is in each of `draws` new choices of as many, with
    replacement, (draws, count).
    """
    rng = stream("realism", seed, "bootstrap", count)
    drawn = np.minimum((rng.random((draws, count)) * count).astype(np.intp), count - 1)
    return np.stack([np.bincount(row, minlength=count) for row in drawn]).astype(np.float64)


def around(middle: float, values: Real, count: int) -> tuple[float, float]:
    """95 % interval around an estimate.

    Args:
        middle: The estimate.
        values: (D,) what new choices of images give.
        count: Number of images, at least 2.
    """
    from scipy.stats import t  # late here and below: it takes half a second

    spread = float(values.std()) * np.sqrt(count / (count - 1))
    half = float(t.ppf(0.975, count - 1)) * spread
    return middle - half, middle + half


def column_areas(values: Real, synthetic: NDArray[np.bool_]) -> Real:
    """AUC of every column of (N, F) used alone as a score, (F,)."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=0)
    first, second = int(synthetic.sum()), int((~synthetic).sum())
    return np.asarray((ranks[synthetic].sum(axis=0) - first * (first + 1) / 2) / (first * second))

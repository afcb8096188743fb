"""How well fake patches can be told from real ones by their residuals: a small AUC that a fit can afford at every check."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.stats import rankdata

Array = NDArray[np.float64]
RIDGE = 0.1
"""Share of the mean variance that is added to every direction of the discriminant."""
FOLDS = 4


def features(patches: Array) -> Array:
    """(N, h, w, 3) in grey levels to (N, 15): logarithms of residual energy, at three scales, by channel, by brightness."""
    grey = patches @ np.array([0.299, 0.587, 0.114])
    fine = patches - _mean(patches, 3)
    columns = [_energy(fine[..., channel]) for channel in range(3)]
    columns += [_energy(_mean(grey, 3) - _mean(grey, 7)), _energy(_mean(grey, 7) - grey.mean((1, 2), keepdims=True))]
    columns += [_energy(grey[:, :, 1:] - grey[:, :, :-1]), _energy(grey[:, 1:] - grey[:, :-1])]
    columns += [_energy(grey[:, :, 2:] - grey[:, :, :-2]), _energy(grey[:, 2:] - grey[:, :-2])]
    columns += [_energy(fine[..., 0] - fine[..., 1]), _energy(fine[..., 2] - fine[..., 1])]
    residual = np.abs(grey - _mean(grey, 3))
    columns += [np.log(0.1 + np.quantile(residual, q, axis=(1, 2))) for q in (0.2, 0.5, 0.9)]
    columns.append(grey.mean((1, 2)) / 64)
    return np.stack(columns, 1)


def auc(real: Array, fake: Array) -> float:
    """AUC of a regularised linear discriminant on the features and their squares, cross-validated; 0.5 is indistinguishable.

    Args:
        real: (N, h, w, 3) in grey levels; N at least 8.
        fake: (M, h, w, 3).
    """
    values = np.concatenate([features(real), features(fake)])
    truth = np.repeat([0.0, 1.0], [len(real), len(fake)])
    values = (values - values.mean(0)) / (values.std(0) + 1e-9)
    values = np.concatenate([values, values**2], 1)
    fold = np.concatenate([np.arange(len(real)), np.arange(len(fake))]) % FOLDS
    return float(np.mean([_fold_auc(values, truth, fold == number) for number in range(FOLDS)]))


def _fold_auc(values: Array, truth: Array, held: NDArray[np.bool_]) -> float:
    known, labels = values[~held], truth[~held]
    means = [known[labels == label].mean(0) for label in (0, 1)]
    centred = known - np.where(labels[:, None] == 1, means[1], means[0])
    scatter = centred.T @ centred / len(centred)
    scatter += RIDGE * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    scores = values[held] @ np.linalg.solve(scatter, means[1] - means[0])
    return area(scores, truth[held])


def area(scores: Array, truth: Array) -> float:
    """Probability that a score of class 1 is above one of class 0, ties counting half (Mann and Whitney)."""
    ranks, ones = rankdata(scores), truth == 1
    count, rest = int(ones.sum()), int((~ones).sum())
    return float((ranks[ones].sum() - count * (count + 1) / 2) / (count * rest))


def noise_floor(patches: Array) -> float:
    """Deviation of what a 3 x 3 mean leaves, in the quietest fifth of 8 x 8 blocks, in grey levels; (N, h, w, 3) in.

    Real and fake are measured alike, so that the bias of choosing quiet blocks cancels in their ratio.
    """
    residual = patches - _mean(patches, 3)
    count, height, width = residual.shape[0], residual.shape[1] // 8 * 8, residual.shape[2] // 8 * 8
    blocks = residual[:, :height, :width].reshape(count, height // 8, 8, width // 8, 8, 3)
    return float(np.quantile(blocks.std(axis=(2, 4)), 0.2))


def _mean(values: Array, side: int) -> Array:
    return np.asarray(uniform_filter(values, (1, side, side, 1)[: values.ndim], mode="nearest"))


def _energy(values: Array) -> Array:
    return np.asarray(np.log(0.1 + np.sqrt((values**2).mean((1, 2)))))

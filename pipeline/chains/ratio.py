"""How much likelier a degradation is that of the photographs than one of the chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from pairmill.pipeline.realism.frechet import frechet_distance

Real = NDArray[np.float64]
PENALTY = 0.02
"""Weight of the squares of the coefficients, per sample."""
CLIP = 4.0
"""Standard deviations of the photographs beyond which all is equally far."""
FEWEST = 0.08
"""Least share of the trials that must count, once weighted."""
SPREAD = 0.02
"""Least standard deviation of a column."""


def standardised(values: Real, target: Real) -> Real:
    """(n, F) in standard deviations of the target from its mean."""
    return np.asarray((values - target.mean(0)) / np.maximum(target.std(0), SPREAD))


def density_ratio(chain: Real, target: Real) -> Real:
    """Density of the target over that of the chain at the trials of the chain, (n,), by a logistic
    regression on values, squares and absolute values (Sugiyama et al., Density Ratio Estimation,
    2012, ch. 4).

    Args:
        chain: (n, F) descriptions.
        target: (m, F) descriptions.
    """
    columns = [_columns(standardised(one, target)) for one in (chain, target)]
    mean, std = columns[1].mean(0), columns[1].std(0) + 1e-9
    both = np.concatenate([(one - mean) / std for one in columns])
    is_target = np.arange(len(both)) >= len(chain)
    share = np.where(is_target, 0.5 / len(target), 0.5 / len(chain))

    def loss(weights: Real) -> tuple[float, Real]:
        odds = both @ weights[1:] + weights[0]
        missed = expit(odds) - is_target
        value = share @ np.logaddexp(0, np.where(is_target, -odds, odds))
        slope = np.concatenate([[share @ missed], (share * missed) @ both + PENALTY * weights[1:]])
        return float(value + PENALTY / 2 * np.square(weights[1:]).sum()), slope

    found = minimize(loss, np.zeros(both.shape[1] + 1), jac=True, method="L-BFGS-B")
    odds = both[: len(chain)] @ found.x[1:] + found.x[0]
    return np.asarray(np.exp(np.clip(odds, -30, 30)))


def _columns(values: Real) -> Real:
    clipped = np.clip(values, -CLIP, CLIP)
    return np.concatenate([clipped, np.square(clipped)], axis=1)


def tempered(ratio: Real) -> tuple[Real, float]:
    """Weights of mean 1: the ratio to the largest power of at most 1 that leaves enough trials
    counting (effective sample size, Kong 1992); and that power.
    """
    logs = np.log(ratio) - np.log(ratio).max()
    power = 1.0
    while effective(np.exp(power * logs)) < FEWEST * len(ratio):
        power *= 0.9
    weights = np.exp(power * logs)
    return np.asarray(weights / weights.mean()), power


def effective(weights: Real) -> float:
    """How many equal weights these are worth."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def frechet(first: Real, second: Real, scale: Real) -> float:
    """Root of `frechet_distance` of two clouds of (n, F), each column in units of `scale`, per
    column: 1 where all means are one unit apart.
    """
    square = frechet_distance(first / scale, second / scale)
    return float(np.sqrt(max(square, 0.0) / first.shape[1]))

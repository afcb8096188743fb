"""Classifiers, trained on some images and asked about the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.network import network_scores
from pairmill.pipeline.rng import stream

Real = NDArray[np.float64]
Mask = NDArray[np.bool_]
PENALTY = 0.1
"""Inverse strength of the penalty of the logistic regression, as scikit-learn counts it."""


def linear_scores(values: Real, synthetic: Mask, train: Mask) -> Real:
    """Log odds of all rows of (N, F) by a logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))
    model.fit(values[train], synthetic[train])
    return np.asarray(model.decision_function(values), np.float64)


def tree_scores(values: Real, synthetic: Mask, train: Mask) -> Real:
    """Log odds of all rows of (N, F) by boosted trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=60,
        max_leaf_nodes=6,
        min_samples_leaf=20,
        l2_regularization=5.0,
        max_features=0.3,
        max_bins=64,
        early_stopping=False,
        random_state=0,
    )
    model.fit(values[train], synthetic[train])
    return np.asarray(model.decision_function(values), np.float64)


def held_out_scores(
    values: Real,
    inputs: NDArray[np.float32] | None,
    synthetic: Mask,
    folds: NDArray[np.intp],
    seed: int,
    between: Callable[[], None] = lambda: None,
) -> dict[str, Real]:
    """Score every patch by classifiers that were trained on the other folds.

    Args:
        values: (N, F) features.
        inputs: (N, 4, h, w) what the network sees; none leaves it out.
        synthetic: (N,) which patches are.
        folds: (N,) fold of each patch.
        seed: Seed of the network.
        between: Called before every training; what it raises gives up.

    Returns:
        (N,) scores by classifier, in units of their standard deviation over the training patches.
    """
    from threadpoolctl import threadpool_limits

    ask: dict[str, Callable[[Mask, int], Real]] = {
        "linear": lambda train, _: linear_scores(values, synthetic, train),
        "trees": lambda train, _: tree_scores(values, synthetic, train),
    }
    if inputs is not None:
        ask["network"] = lambda train, fold: network_scores(
            inputs, synthetic, train, stream("realism", seed, "network", fold)
        )
    scores = {name: np.zeros(len(values)) for name in ask}
    with threadpool_limits(1):  # sums in one order, whatever the machine
        for fold in np.unique(folds).tolist():
            train = folds != fold
            for name, classifier in ask.items():
                between()
                given = classifier(train, fold)
                scores[name][~train] = given[~train] / (given[train].std() + 1e-12)
    return scores

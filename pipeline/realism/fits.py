"""How real a fit looks at a check: the two-sample test at a size that a fit can afford, and its
losses in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.compare import compare, pool
from pairmill.pipeline.realism.patches import PHASE
from pairmill.schemas.realism import RealismConfig, RealismResult

PATCH, PATCHES = 32, 250
"""Side of the compared patches, smaller where images are, and most patches of either side: half a
report's."""
LATELY = 20
"""Iterations that told losses are the mean of."""


def realism(
    real: NDArray[np.float64],
    synthetic: NDArray[np.float64],
    sources: tuple[Sequence[str], Sequence[str]],
) -> RealismResult:
    """The comparison, without the network, which takes most of the time.

    Args:
        real: (N, h, w, 3) in intensity levels.
        synthetic: (M, h, w, 3) in intensity levels.
        sources: Name of the photo that each shows; images of one name are never apart in
            training and test.

    Returns:
        The result; 1.0 for images that have left the finite numbers.
    """
    if not np.isfinite(synthetic).all():
        return RealismResult(auc=1.0, interval=(1.0, 1.0))
    side = min(PATCH, *real.shape[1:3]) // PHASE * PHASE
    if side < 2 * PHASE:
        return RealismResult(
            problem=f"pictures must have {2 * PHASE} pixels a side or more; these have "
            f"{real.shape[1]}"
        )
    config = RealismConfig(patch=side, patches=PATCHES, network=False)
    patches = [
        pool(list(_bytes(values)), names, config)
        for values, names in zip((real, synthetic), sources, strict=True)
    ]
    return compare(patches[0], patches[1], config).result


def number(result: RealismResult) -> float:
    """The AUC as a trend holds it: not a number where there is none."""
    return math.nan if result.auc is None else result.auc


def _bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def words(
    curves: Sequence[NDArray[np.float64]],
    aucs: Sequence[float],
    columns: Sequence[str],
    shown_names: Sequence[str],
) -> str:
    """The last AUC, if there is one, and the losses lately, such as `AUC 0.87, adversarial
    0.31`; without those that are 0, which the fit has not.
    """
    latest = dict(zip(columns, np.mean(curves[-LATELY:], axis=0), strict=True))
    known = [f"AUC {value:.2f}" for value in aucs[-1:] if not math.isnan(value)]
    losses = [f"{name} {latest[name]:.3g}" for name in shown_names if latest[name]]
    return ", ".join([*known, *losses])

"""FID: the Fréchet distance of two sets of features, each taken as normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.interval import around, redrawn
from pairmill.schemas.realism_card import Score

Real = NDArray[np.float64]
DRAWS = 40


def frechet_distance(x: Real, y: Real) -> float:
    """|m_x - m_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)) (Dowson and Landau, 1982; FID: Heusel et
    al., NeurIPS 2017), with means and unbiased covariances of the rows.

    With S_x = A^T A and S_y = B^T B the trace of the root is the sum of the singular values of
    A B^T, which needs no root of a matrix that few rows leave singular.

    Args:
        x: (N, d), N at least 2.
        y: (M, d), M at least 2.
    """
    means = x.mean(axis=0), y.mean(axis=0)
    a, b = (
        (rows - mean) / np.sqrt(len(rows) - 1) for rows, mean in zip((x, y), means, strict=True)
    )
    if min(len(a), len(b)) > a.shape[1]:  # (d, d) factors have the same singular values
        a, b = np.linalg.qr(a, mode="r"), np.linalg.qr(b, mode="r")
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    apart = np.square(means[0] - means[1]).sum()
    return float(apart + np.square(a).sum() + np.square(b).sum() - 2 * root)


def fid(
    photographs: Real,
    made: Real,
    sources: tuple[NDArray[np.str_], NDArray[np.str_]],
    seed: int,
) -> Score:
    """Fréchet inception distance, with its interval over a new choice of source images.

    It is biased upward, the more so the fewer patches: hold it against the controls, which have
    as few.

    Args:
        photographs: (N, d) features.
        made: (M, d) features.
        sources: Names of the source images of both.
        seed: Seed of the bootstrap.
    """
    value = frechet_distance(photographs, made)
    names = sorted({*sources[0].tolist(), *sources[1].tolist()})
    place = {name: number for number, name in enumerate(names)}
    owners = [np.array([place[name] for name in side.tolist()]) for side in sources]
    values = []
    for times in redrawn(len(names), seed, DRAWS).astype(np.intp):
        x, y = (
            rows[np.repeat(np.arange(len(rows)), times[owner])]
            for rows, owner in zip((photographs, made), owners, strict=True)
        )
        if min(len(x), len(y)) > 1:
            values.append(frechet_distance(x, y))
    low, high = around(value, np.array(values), len(names))
    return Score(value=round(value, 4), interval=(round(max(0.0, low), 4), round(high, 4)))

"""Ten thousand draws of a degrader, and what their moments and frequencies are checked by.

A frequency may lie 4.5 standard errors off (one chance in 150,000 each), a distribution is refused
by a Kolmogorov-Smirnov or a chi-square test at 1 in 10,000. The streams are fixed, so the tests
always see the same draws.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
from scipy import stats

from pairmill.pipeline import degraders
from pairmill.pipeline.degraders import Pools
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.program import Program

N = 10_000
SIDE = 7200
"""Side of the imagined HR, in pixels: so large that rounding to whole sizes does not show."""


@lru_cache(maxsize=1)
def draws(config: str, scale: int, kind: str) -> list[Program]:
    settings = CONFIGS[kind].model_validate_json(config)
    degrader = degraders.build(settings, scale, Pools())
    gc.disable()  # a million small objects, none of them garbage
    try:
        return [degrader.draw(stream(3, kind, number), (SIDE, SIDE)) for number in range(N)]
    finally:
        gc.enable()


def drawn(config: DegraderBase, scale: int = 4) -> list[Program]:
    return draws(config.model_dump_json(), scale, config.kind)


def often(found: int, probability: float, of: int = N) -> None:
    """A frequency."""
    assert (
        abs(found / of - probability) <= 4.5 * sqrt(probability * (1 - probability) / of) + 1e-12
    ), (found / of, probability)


def evenly(values: Iterable[float], low: float, high: float, enough: int = 300) -> None:
    """Uniform on [low, high]."""
    found = np.array(list(values))
    assert len(found) >= enough
    assert low <= found.min() <= found.max() <= high
    assert stats.kstest(found, stats.uniform(low, high - low).cdf).pvalue > 1e-4


def shares(values: Iterable[Any], weights: Mapping[Any, float]) -> None:
    """Values with these weights, and no others."""
    counts = Counter(values)
    assert set(counts) <= set(weights)
    expected = np.array(list(weights.values())) / sum(weights.values()) * sum(counts.values())
    assert stats.chisquare([counts[value] for value in weights], expected).pvalue > 1e-4, counts


def whole(low: int, high: int, step: int = 1) -> dict[int, float]:
    return dict.fromkeys(range(low, high + 1, step), 1.0)


def of(program: Program, *kinds: type) -> list[Any]:
    return [op for op in program.ops if isinstance(op, kinds)]


def ellipses(blurs: Sequence[Blur]) -> tuple[list[GaussianKernel], list[GaussianKernel]]:
    """Isotropic and anisotropic kernels."""
    kernels = [blur.kernel for blur in blurs if isinstance(blur.kernel, GaussianKernel)]
    return [k for k in kernels if k.sigma_x == k.sigma_y], [
        k for k in kernels if k.sigma_x != k.sigma_y
    ]

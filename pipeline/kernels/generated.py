"""Judging generated kernels: the rules of estimated ones, as far as they need no image, and no
copies.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import offset
from pairmill.models.kmsr.geometry import anisotropy, finished, in_all_orientations, whole
from pairmill.pipeline.kernels.quality import (
    RULES,
    border_share,
    distance_matrix,
    effective_support,
    negative_share,
    width,
)
from pairmill.schemas.kernel import KernelDiagnostics, KernelQualityConfig, KernelReason
from pairmill.schemas.kmsr import CopyReason, KernelSpread

Array = NDArray[np.float64]

SPREAD_OF = 256
"""Maximum number of kernels that are compared with one another to measure how they differ."""


def judged(
    cores: Array, pool: Array, scale: int, quality: KernelQualityConfig, least: float
) -> tuple[Array, Counter[str]]:
    """The kernels that are let in, in order, and how many were not, by reason.

    Args:
        cores: (N, n, n), as drawn.
        pool: (M, n, n), cores of the pool they imitate.
        scale: that the kernels are for.
        quality: thresholds, as of x2 kernels.
        least: distance to the pool in all orientations, and to kernels before; nearer ones are
            copies.

    Returns:
        (L, k, k) with L <= N, on the 2^-16 grid; and counts by `KernelReason` or `CopyReason`.
    """
    limits, rejected = for_scale(quality, scale), Counter[str]()
    side = pool.shape[-1] + scale - 1
    known = np.stack([whole(core, scale) for core in in_all_orientations(pool)]).reshape(
        -1, side * side
    )
    kept = np.empty((len(cores), side, side))
    count = 0
    for core in cores:
        kernel, reason = _judge(core, scale, limits)
        if kernel is not None and nearest(kernel, known) < least:
            kernel, reason = None, CopyReason.COPY
        if kernel is not None and nearest(kernel, kept[:count].reshape(count, side * side)) < least:
            kernel, reason = None, CopyReason.REPEAT
        if kernel is None:
            rejected[str(reason)] += 1
        else:
            kept[count], count = kernel, count + 1
    return kept[:count].copy(), rejected


def _judge(
    core: Array, scale: int, limits: KernelQualityConfig
) -> tuple[Array | None, KernelReason | CopyReason | None]:
    raw = whole(core, scale)
    try:
        kernel = finished(core, scale)
    except ValueError:  # nothing positive, or too lopsided to be centred
        return None, KernelReason.OFF_CENTRE if np.isfinite(core).all() else KernelReason.NOT_FINITE
    row, column = offset(raw, scale)
    found = KernelDiagnostics(
        sum=float(raw.sum()),
        offset=math.hypot(row, column),
        residual_offset=math.hypot(*offset(kernel, scale)),
        border=border_share(core),
        negative=negative_share(raw),
        support=effective_support(kernel),
        width=width(kernel),
        disagreement=0.0,
        agreeing=1,
        shift=0.0,
    )
    for rule in RULES:
        if rule.broken(rule.value(found), rule.limit(limits)):
            return None, rule.reason
    return kernel, None


def for_scale(quality: KernelQualityConfig, scale: int) -> KernelQualityConfig:
    """Thresholds of x2 kernels for kernels of another scale, which are x2 ones composed with
    themselves dilated.

    Offsets add up, 1 + 2 + 4 = s - 1 times; so do variances, 1 + 4 + 16 = (s^2 - 1) / 3 times, and
    supports with them.
    """
    areas, lengths = (scale**2 - 1) / 3, scale - 1
    return quality.with_(
        min_support=quality.min_support * areas,
        max_support=quality.max_support * areas,
        max_offset=quality.max_offset * lengths,
    )


def nearest(kernel: Array, others: Array) -> float:
    """Smallest distance |a - b| / max(|a|, |b|) of a kernel (k, k) to any of (N, k * k); infinite
    if there is none.
    """
    if not len(others):
        return math.inf
    flat = kernel.ravel()
    norms = np.maximum(np.sqrt(np.einsum("ij,ij->i", others, others)), float(np.linalg.norm(flat)))
    return float((np.linalg.norm(others - flat, axis=1) / norms).min())


def spread(kernels: Array) -> KernelSpread | None:
    """How (N, k, k) kernels differ, by `SPREAD_OF` of them, evenly chosen; none for fewer than
    two.
    """
    if len(kernels) < 2:
        return None
    some = kernels[
        np.linspace(0, len(kernels) - 1, min(len(kernels), SPREAD_OF)).round().astype(int)
    ]
    widths = [width(kernel) for kernel in some]
    distances = distance_matrix(some)[np.triu_indices(len(some), 1)]
    return KernelSpread(
        width=float(np.mean(widths)),
        width_std=float(np.std(widths)),
        distance=float(distances.mean()),
        anisotropy=float(np.mean([anisotropy(kernel) for kernel in some])),
    )

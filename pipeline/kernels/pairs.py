"""Kernels of real pairs, by least squares: whether a corpus may blur with them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera import curves
from pairmill.models.functional.kernels import offset
from pairmill.pipeline.kernels.camera import BLURS
from pairmill.pipeline.kernels.quality import (
    border_share,
    effective_support,
    first_broken,
    negative_share,
)
from pairmill.schemas.kernel import KernelDiagnostics, KernelQualityConfig, KernelVerdict

Array = NDArray[np.float64]

DIRECTIONS = 16


def judge_pair(
    kernel: Array, config: KernelQualityConfig, scale: int
) -> tuple[Array | None, KernelVerdict]:
    """The kernel of a real pair, or why there is none.

    Args:
        kernel: (k, k) on the grid of 2^-16, sum 1, centred for the scale.
        config: thresholds.
        scale: scale of the kernel.
    """
    diagnostics = measured(kernel, scale)
    broken = first_broken(BLURS, diagnostics, config)
    reason, detail = broken or (None, "")
    if broken is None:
        detail = f"from a real pair, by least squares, {diagnostics.width:.2f} px wide"
    verdict = KernelVerdict(
        accepted=broken is None,
        reason=reason,
        detail=detail,
        restart=None,
        diagnostics=diagnostics,
    )
    return (kernel if broken is None else None), verdict


def measured(kernel: Array, scale: int) -> KernelDiagnostics:
    """All measurements, lengths as at scale 2."""
    unit, curve = scale / 2, transfer_curve(kernel, scale)
    half = curves.falls_to(curve, 0.5)
    return KernelDiagnostics(
        residual_offset=math.hypot(*offset(kernel, scale)) / unit,
        border=border_share(kernel),
        negative=negative_share(kernel),
        support=effective_support(kernel) / unit**2,
        width=curves.width_of(half),
        mtf50=half,
        detail=curves.falls_to(curve, 0.1),
        overshoot=curves.overshoot(curve),
    )


def transfer_curve(kernel: Array, scale: int) -> Array:
    """|K| at `curves.FREQUENCIES`, in cycles per LR pixel, averaged over directions."""
    places, angles = np.arange(len(kernel)), np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    along = 2 * np.pi * curves.FREQUENCIES[:, None, None] / scale * places
    rows, columns = (
        np.exp(-1j * along * part[:, None]) for part in (np.sin(angles), np.cos(angles))
    )
    return np.asarray(np.abs(np.einsum("fdi,ij,fdj->fd", rows, kernel, columns)).mean(axis=1))

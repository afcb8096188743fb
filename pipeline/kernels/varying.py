"""The kernels of one photograph where its blur varies: one for each cell of its field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.parts import SMALLEST
from pairmill.models.camera.variation import FEWEST
from pairmill.pipeline.kernels.camera import RULES, blur_of, finished, measured
from pairmill.pipeline.kernels.quality import first_broken
from pairmill.schemas.kernel import KernelQualityConfig
from pairmill.schemas.pool import CellKernel, JudgedSpectral

Array = NDArray[np.float64]

PLACES = (
    *("top left", "top", "top right"),
    *("left", "centre", "right"),
    *("bottom left", "bottom", "bottom right"),
)
"""Cells of the field, as the camera saw it."""
UNKNOWN = (
    f"one kernel for all of the field: fewer than {FEWEST} photographs of {SMALLEST} px a side "
    "tell how it varies"
)
"""Said where cells were asked for and there are none."""


@dataclass(frozen=True, eq=False)
class FieldKernels:
    """What the field of one photograph gives to the pool."""

    cells: tuple[CellKernel, ...]
    """The cells whose kernels pass; none if the photograph has one kernel for all of its field."""
    kernels: Array
    """(n, k, k) of those cells, on the grid of 2^-16, sum 1, centred for the scale."""
    words: str
    """What was found."""


def over_field(
    judged: JudgedSpectral, kernel: Array, config: KernelQualityConfig, scale: int
) -> FieldKernels:
    """The kernels of an accepted photograph at all cells where they pass the rules too.

    Args:
        judged: what was estimated.
        kernel: (k, k), the kernel of all of it.
        config: thresholds.
        scale: scale of the kernels.
    """
    if not judged.field:
        return FieldKernels((), kernel[None], UNKNOWN)
    assert judged.estimate is not None
    whole = blur_of(judged.estimate.values, judged.noise_sharpened)
    cells, kernels, broken = [], [], []
    for cell, stretch in enumerate(judged.field):
        blur = whole.stretched(stretch)
        diagnostics = measured(blur, judged.estimate)
        reason = first_broken(RULES, diagnostics, config)
        if reason is not None:
            broken.append(f"{PLACES[cell]} ({reason[1]})")
            continue
        wide, support = diagnostics.width, diagnostics.support
        cells.append(CellKernel(cell=cell, width=wide, support=support))
        kernels.append(finished(blur, scale))
    if not cells:
        return FieldKernels((), kernel[None], f"one kernel for all of the field: no {broken[0]}")
    widths = [cell.width for cell in cells]
    words = f"{min(widths):.2f} to {max(widths):.2f} px over {len(cells)} cells of the field"
    if broken:
        words += f", without {', '.join(broken)}"
    return FieldKernels(tuple(cells), np.stack(kernels), words)

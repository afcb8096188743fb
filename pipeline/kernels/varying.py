"""The kernels of one photograph where its blur varies: over its field, from channel to channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.forms import Blur
from pairmill.models.camera.parts import SMALLEST
from pairmill.models.camera.variation import FEWEST
from pairmill.pipeline.kernels.camera import RULES, blur_of, finished, measured
from pairmill.pipeline.kernels.quality import first_broken
from pairmill.schemas.kernel import KernelDiagnostics
from pairmill.schemas.pool import CellKernel, JudgedSpectral, PoolKernelsConfig

Array = NDArray[np.float64]

PLACES = (
    *("top left", "top", "top right"),
    *("left", "centre", "right"),
    *("bottom left", "bottom", "bottom right"),
)
"""Cells of the field, as the camera saw it."""
CHANNELS = ("red", "green", "blue")
"""Planes of a kernel that has several."""
ONE_FIELD = (
    f"one kernel for all of the field: fewer than {FEWEST} photographs of {SMALLEST} px a side "
    "tell how it varies"
)
"""Said where cells were asked for and there are none."""
ONE_CHANNEL = (
    f"one kernel for all channels: fewer than {FEWEST} photographs with colour that is not "
    "subsampled tell how they differ"
)
"""The same of channels."""


@dataclass(frozen=True, eq=False)
class VaryingKernels:
    """What one photograph gives to the pool."""

    cells: tuple[CellKernel, ...]
    """The cells of the field whose kernels pass; none if one kernel stands for all of it."""
    kernels: Array
    """(n, k, k), or (n, 3, k, k) of R, G and B, on the grid of 2^-16, sum 1, centred for the scale:
    of those cells, or one."""
    words: str
    """What was found."""


def varying(judged: JudgedSpectral, config: PoolKernelsConfig) -> VaryingKernels:
    """The kernels of an accepted photograph: at all cells of the field where they pass the rules
    too, and for each channel, as far as both are asked for and known.
    """
    assert judged.estimate is not None
    whole = blur_of(judged.estimate.values, judged.noise_sharpened)
    said, cells, blurs = list[str](), list[CellKernel](), list[Blur]()
    if config.field:
        passing, broken = list[tuple[CellKernel, Blur]](), list[str]()
        for cell, blur, diagnostics in _cells(judged, whole):
            reason = first_broken(RULES, diagnostics, config.quality)
            if reason is not None:
                broken.append(f"{PLACES[cell]} ({reason[1]})")
                continue
            wide, support = diagnostics.width, diagnostics.support
            passing.append((CellKernel(cell=cell, width=wide, support=support), blur))
        cells, blurs = [cell for cell, _ in passing], [blur for _, blur in passing]
        said.append(_over_field(cells, broken))
    if config.channels:
        said.append(_by_channel(judged))
    kernels = np.stack([_planes(blur, judged, config) for blur in blurs or [whole]])
    return VaryingKernels(tuple(cells), kernels, "; ".join(said))


def _cells(judged: JudgedSpectral, whole: Blur) -> Iterator[tuple[int, Blur, KernelDiagnostics]]:
    """The blur in each cell, and what is measured of it."""
    assert judged.estimate is not None
    for cell, stretch in enumerate(judged.field):
        blur = whole.stretched(stretch)
        yield cell, blur, measured(blur, judged.estimate)


def _planes(blur: Blur, judged: JudgedSpectral, config: PoolKernelsConfig) -> Array:
    """(k, k), or (3, k, k) where channels are asked for; alike if nothing is known of them."""
    if not config.channels:
        return finished(blur, config.scale)
    stretches = judged.channels or (0.0,) * len(CHANNELS)
    return np.stack([finished(blur.stretched(stretch), config.scale) for stretch in stretches])


def _over_field(cells: list[CellKernel], broken: list[str]) -> str:
    if not cells:
        return f"one kernel for all of the field: no {broken[0]}" if broken else ONE_FIELD
    widths = [cell.width for cell in cells]
    words = f"{min(widths):.2f} to {max(widths):.2f} px over {len(cells)} cells of the field"
    return f"{words}, without {', '.join(broken)}" if broken else words


def _by_channel(judged: JudgedSpectral) -> str:
    if not judged.channels:
        return ONE_CHANNEL
    times = ", ".join(
        f"{name} {np.exp(stretch):.2f}"
        for name, stretch in zip(CHANNELS, judged.channels, strict=True)
    )
    return f"{times} times as wide as luma"

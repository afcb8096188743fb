"""How blocky and how blurred an image is, as two numbers that need no other image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.curation.keypoints import Grey
from pairmill.pipeline.realism.features import blockiness, edge_width
from pairmill.schemas.curation import Scores

PATCH, MOST, LEAST_CONTRAST = 64, 400, 8.0
"""Side of the patches whose edges are measured, how many at most, and the least contrast of one, in
intensity levels."""
STRIP = 512
"""Rows that are measured at a time, a multiple of 8."""


def scores(grey: Grey) -> Scores:
    """Blockiness and blur of (H, W) uint8, rounded to four digits."""
    blur = _blur(grey)
    return Scores(
        blockiness=round(_blockiness(grey), 4), blur=None if blur is None else round(blur, 4)
    )


def _blockiness(grey: Grey) -> float:
    """Bends of grey across every eighth column and row over those elsewhere, for the grid that
    shows most, as a logarithm.
    """
    by_phase = [_phases(grey), _phases(np.ascontiguousarray(grey.T))]
    return float(np.mean([phases.max() for phases in by_phase]))


def _phases(grey: Grey) -> NDArray[np.float64]:
    """The mean over strips, weighted by their rows, of what `blockiness` says of each, (8,)."""
    strips = [grey[top : top + STRIP] for top in range(0, len(grey), STRIP)]
    weighed = [blockiness(strip[None].astype(np.float64))[0] * len(strip) for strip in strips]
    return np.asarray(np.sum(weighed, axis=0) / len(grey))


def _blur(grey: Grey) -> float | None:
    """Lower quartile over patches with an edge of the width of their sharpest edge, in pixels."""
    tops, lefts = (range(0, max(1, length - PATCH + 1), PATCH) for length in grey.shape)
    places = [(top, left) for top in tops for left in lefts]
    chosen = [
        places[number * len(places) // min(len(places), MOST)]
        for number in range(min(len(places), MOST))
    ]
    patches = [
        grey[top : top + PATCH, left : left + PATCH].astype(np.float64) for top, left in chosen
    ]
    widths = [
        float(edge_width(patch[None])[0]) for patch in patches if patch.std() >= LEAST_CONTRAST
    ]
    if widths:
        return float(np.percentile(widths, 25))
    return None

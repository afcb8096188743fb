"""Which photographs share a camera, by their blurs alone: where neither names nor EXIF tell.

A photograph's own estimate of its width is off by a tenth or so, for its scene is not the mean
scene; a camera that is sharp and one that is soft differ by more. So a set of photographs is
divided in two where two cameras make their widths so much likelier than one that chance is out of
the question, and the parts again. Scenes that fool the estimate are what heavy tails are for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.estimate import GAUSSIAN
from pairmill.models.camera.forms import CENTRE, Blur, P
from pairmill.models.camera.match import match
from pairmill.models.camera.model import Model
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.scenes import built_in

Array = NDArray[np.float64]

INSIST = 8.0
"""By how much twice the logarithm of the evidence must be larger for two cameras than for one. Of
24 photographs of one simulated camera it was smaller by 7 at least, in 900 draws; of two cameras
(sigma 0.8 and 2.0, 8 photographs each) larger by 24 at least."""
LEAST = 0.25
"""Nearest that the logarithms of two cameras' widths may be: photographs of one differ by less."""
DOUBT = 2.0
"""A width alone is this much less sure, in variance, than its match says: measured."""
TAILS = 4.0
"""Degrees of freedom of the distribution of widths."""
SPREADS = np.array([0.02, 0.05, 0.08, 0.11, 0.15, 0.2, 0.27, 0.36])
"""Standard deviations of the widths of one camera's photographs that are thought of."""
USUAL_SPREAD = 0.12
"""How far they may well differ."""
PLACES = 161
"""Widths of a camera that are thought of."""


@dataclass(frozen=True)
class LoneWidth:
    """What one photograph by itself says of its blur."""

    width: float
    """Logarithm of the width, in half pixels."""
    variance: float
    """How unsure it is."""


def lone_width(photograph: PhotographSpectrum, model: Model | None = None) -> LoneWidth:
    """The width of the Gaussian that one photograph is matched best by, in about 0.03 s."""
    found = match(model or Model(built_in()), [photograph], Blur(CENTRE), GAUSSIAN)
    place = found.free.index(P.SIZE)
    # What cameras are off beyond their information is the same for all photographs of one.
    variance = float(np.linalg.inv(found.information)[place, place])
    # The parameter is the logarithm of a variance.
    return LoneWidth(float(found.blur.values[P.SIZE]) / 2, variance / 4)


def clusters(widths: Sequence[LoneWidth], least: int) -> tuple[int, ...] | None:
    """Label of each photograph, from 0 by rising width; none if nothing tells them apart.

    Deterministic, and the same for every order of the photographs, but where widths are equal.

    Args:
        widths: one per photograph.
        least: fewest photographs of a cluster.
    """
    order = sorted(range(len(widths)), key=lambda number: (widths[number].width, number))
    ascending = np.array([widths[number].width for number in order])
    variances = np.array([widths[number].variance for number in order])
    ends = _ends(ascending, variances, max(least, 2))
    if len(ends) == 1:
        return None
    labels = np.empty(len(widths), int)
    labels[order] = np.searchsorted(ends, np.arange(len(widths)), side="right")
    return tuple(labels.tolist())


def _ends(widths: Array, variances: Array, least: int) -> list[int]:
    """Ends of the clusters of ascending widths."""
    cut = _best_cut(widths, variances, least)
    if cut is None:
        return [len(widths)]
    left = _ends(widths[:cut], variances[:cut], least)
    right = _ends(widths[cut:], variances[cut:], least)
    return [*left, *(cut + end for end in right)]


def _best_cut(widths: Array, variances: Array, least: int) -> int | None:
    """Where two cameras part, if there are two."""
    count = len(widths)
    if count < 2 * least:
        return None
    logs = _log_densities(widths, variances)
    cuts = np.arange(least, count - least + 1)
    below = logs.cumsum(0)
    above = below[-1] - below
    # Each camera's width is thought of as anywhere on the grid, so that no width costs nothing.
    alone = _of_any_place(below[-1]) + _prior()
    both = _of_any_place(below[cuts - 1]) + _of_any_place(above[cuts - 1]) + _prior()
    shares = cuts / count
    mixed = count * (shares * np.log(shares) + (1 - shares) * np.log(1 - shares))
    evidence = both.max(-1) + mixed
    best = int(evidence.argmax())
    cut = int(cuts[best])
    gain = 2 * float(evidence[best] - alone.max())
    return cut if gain > INSIST and _parted(widths, cut) else None


def _parted(widths: Array, cut: int) -> bool:
    """Whether the parts are far apart, and whoever is next to the cut is on its own side."""
    left, right = float(np.median(widths[:cut])), float(np.median(widths[cut:]))
    middle = (left + right) / 2
    return right - left > LEAST and bool(widths[cut - 1] <= middle <= widths[cut])


def _log_densities(widths: Array, variances: Array) -> Array:
    """(n, PLACES, len(SPREADS)): of each width, for a camera's width and the spread of its
    photographs'.
    """
    places = np.linspace(widths[0] - 0.1, widths[-1] + 0.1, PLACES)
    square = DOUBT * variances[:, None, None] + np.square(SPREADS)
    away = np.square(widths[:, None] - places)[:, :, None] / square
    tails = -(TAILS + 1) / 2 * np.log1p(away / TAILS)
    constant = math.lgamma((TAILS + 1) / 2) - math.lgamma(TAILS / 2)
    return np.asarray(tails - np.log(square * TAILS * math.pi) / 2 + constant)


def _of_any_place(logs: Array) -> Array:
    """Mean of likelihoods over the widths of a camera, (..., PLACES, spreads), as a logarithm."""
    most = logs.max(-2, keepdims=True)
    return np.asarray(np.log(np.exp(logs - most).mean(-2)) + most[..., 0, :])


def _prior() -> Array:
    return -np.square(SPREADS / USUAL_SPREAD) / 2

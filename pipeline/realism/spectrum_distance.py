"""How far the power spectrum of LR is from that of photographs, in dB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.features import features
from pairmill.pipeline.realism.features import names as feature_names
from pairmill.pipeline.realism.interval import around, redrawn
from pairmill.pipeline.realism.patches import Patches
from pairmill.schemas.realism_card import Score

Real = NDArray[np.float64]


def spectrum_distance(photographs: Patches, made: Patches, seed: int) -> Score:
    """Root mean square, over ten rings of spatial frequency, of the difference of the power spectra
    in dB: the log-spectral distance of audio coding (Gray and Markel, IEEE TASSP 1976), of radial
    spectra as in Durall et al. (CVPR 2020).

    A spectrum is the geometric mean of those of the patches, grey, tapered, from 2 cycles per patch
    up. LR that is blurred too much by a kernel of transfer function H is
    sqrt(mean((20 log10 |H|)^2)) away.

    Args:
        photographs: Patches of photographs.
        made: Patches of LR, matched in content.
        seed: Seed of the bootstrap.
    """
    names = sorted({*photographs.sources.tolist(), *made.sources.tolist()})
    sides = [_by_image(side, names) for side in (photographs, made)]
    value = float(_distance(*(_mean(*side, np.ones((1, len(names)))) for side in sides))[0])
    times = redrawn(len(names), seed)
    values = _distance(*(_mean(*side, times) for side in sides))
    low, high = around(value, values[np.isfinite(values)], len(names))
    return Score(value=round(value, 4), interval=(round(max(0.0, low), 4), round(high, 4)))


def _by_image(side: Patches, names: list[str]) -> tuple[Real, Real]:
    """Sum of the spectra, in dB, and number of patches of every image, (I, R) and (I,)."""
    values = features(side.pixels) if side.values is None else side.values
    rings = [name.startswith("detail at") for name in feature_names(side.pixels.shape[1])]
    decibels = 10 / np.log(10) * values[:, rings]
    owner = (side.sources[:, None] == np.array(names)).astype(np.float64)
    return owner.T @ decibels, owner.sum(axis=0)


def _mean(sums: Real, counts: Real, times: Real) -> Real:
    """Mean spectra (D, R) where images are there so many times, (D, I)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((times @ sums) / (times @ counts)[:, None])


def _distance(first: Real, second: Real) -> Real:
    return np.asarray(np.sqrt(np.square(first - second).mean(axis=1)))

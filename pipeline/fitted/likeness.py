"""How far the LR of a chain is from the photographs themselves, by the features that the realism
classifier sees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.chains.ratio import frechet
from pairmill.pipeline.realism.features import features
from pairmill.pipeline.realism.folds import halves
from pairmill.pipeline.realism.match import content, match
from pairmill.pipeline.realism.patches import Patches, cut

PATCH, MOST = 48, 1200
"""Side of a patch, in pixels, and how many are cut."""
FEWEST = 100
"""Pairs of alike patches below which there is no distance."""
SOFT = 0.05
"""Least unit of a feature."""
Image = NDArray[np.uint8]


def patches(images: Sequence[Image], names: Sequence[str], side: int, seed: int) -> Patches:
    """Patches of photographs, as large as `PATCH` or the LR."""
    return cut(images, names, min(PATCH, side // 8 * 8), MOST, seed)


def distance(real: Patches, synthetic: NDArray[np.uint8]) -> float | None:
    """Fréchet distance of the features of patches that show something alike.

    Args:
        real: Patches of photographs.
        synthetic: (n, h, w, 3) uint8 LR; their upper left corners are taken.

    Returns:
        In standard deviations of the photographs' features; none if too few are alike.
    """
    side = real.pixels.shape[1]
    other = synthetic[:, :side, :side]
    shown = content(real.pixels), content(other)
    first, second = match(*shown, np.concatenate(shown).std(axis=0) + 1e-9, MOST)
    if len(first) < FEWEST:
        return None
    values = features(real.pixels[first]), features(other[second])
    return frechet(*values, np.maximum(values[0].std(axis=0), SOFT))


def control(real: Patches, seed: int) -> float | None:
    """The distance of one half of the photographs to the other."""
    names = sorted(set(real.sources.tolist()))
    if len(names) < 2:
        return None
    played = np.isin(real.sources, sorted(halves(names, seed, 0)))
    return distance(real[np.flatnonzero(~played)], real.pixels[played])

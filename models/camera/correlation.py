"""How noise hangs together: between neighbouring pixels and between channels.

Noise that came straight from a sensor is white. Demosaicing, denoising and JPEG give neighbours of
it something in common, and sharpening takes it away again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WHITE_BELOW = 0.1
"""Largest correlation that still counts as none."""


@dataclass(frozen=True)
class NoiseCorrelation:
    """Correlations, -1 to 1."""

    along_rows: float
    """Of neighbours in a row, over all channels."""
    along_columns: float
    """Of neighbours in a column."""
    red_green: float
    """Of R and G at a pixel."""
    blue_green: float
    """Of B and G."""

    @property
    def white(self) -> bool:
        """Whether there is none worth naming."""
        return all(abs(value) < WHITE_BELOW for value in astuple(self))


def moments(noise: NDArray[np.floating]) -> Floats:
    """(7,): mean products of a patch of zero-mean noise (p, p, 3): of neighbours in a row and in a
    column, R G, B G, R R, G G, B B.
    """
    values = noise.astype(np.float64)
    red, green, blue = np.moveaxis(values, 2, 0)
    across, down = values[:, 1:] * values[:, :-1], values[1:] * values[:-1]
    pairs = ((red, green), (blue, green), (red, red), (green, green), (blue, blue))
    return np.array([across.mean(), down.mean(), *((a * b).mean() for a, b in pairs)])


def correlation(found: Sequence[Floats]) -> NoiseCorrelation:
    """Correlation of the noise of some patches, from the `moments` of each.

    Strong patches count for more. Noise that is nowhere has none.
    """
    across, down, red_green, blue_green, red, green, blue = np.mean(found, axis=0).tolist()
    whole = max((red + green + blue) / 3, 1e-12)
    return NoiseCorrelation(
        across / whole,
        down / whole,
        red_green / max(red * green, 1e-24) ** 0.5,
        blue_green / max(blue * green, 1e-24) ** 0.5,
    )

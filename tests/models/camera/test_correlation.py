"""How noise hangs together: none if it is white, as the filters say behind a mosaic."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.camera.correlation import correlation, moments
from pairmill.models.functional.camera import demosaic, mosaic


def white(seed: int, height: int = 131, width: int = 127) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((height, width, 3))


def test_white_noise_hangs_together_in_no_way() -> None:
    found = correlation([moments(white(seed)) for seed in range(4)])
    assert found.white
    assert abs(found.along_rows) < 0.02
    assert abs(found.red_green) < 0.02


def test_worked_out() -> None:
    """Rows 1 -1, columns equal, R = G = -B."""
    plane = np.tile([1.0, -1.0], (8, 4))
    found = correlation([moments(np.stack([plane, plane, -plane], axis=2))])
    assert (found.along_rows, found.along_columns) == (-1, 1)
    assert (found.red_green, found.blue_green) == (1, -1)
    assert not found.white


def test_white_noise_behind_a_mosaic() -> None:
    """Green at red and blue is (4 raw + 2 near - far) / 8: a kept green beside it is in it by 1/4,
    and the variances are 1 and (16 + 4 * 4 + 4) / 64, so that neighbours correlate by 0.25 /
    ((1 + 36 / 64) / 2) = 0.32.
    """
    green = []
    for seed in range(4):
        seen = demosaic(mosaic(white(seed), "rggb"), "rggb")
        green.append(moments(np.repeat(seen[2:-2, 2:-2, 1:2], 3, axis=2)))
    found = correlation(green)
    assert found.along_rows == pytest.approx(0.32, abs=0.01)
    assert found.along_columns == pytest.approx(0.32, abs=0.01)
    assert found.red_green == pytest.approx(1)
    colours = correlation([moments(demosaic(mosaic(white(1), "rggb"), "rggb"))])
    assert not colours.white
    assert colours.red_green > 0.5


def test_no_noise_has_no_correlation() -> None:
    found = correlation([moments(np.zeros((8, 8, 3), np.float32))])
    assert found.white

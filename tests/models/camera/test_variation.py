"""How a blur varies over the field is told from photographs, and that it does not vary, too."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.camera.block_spectra import SIDE
from pairmill.models.camera.parts import CELLS, SMALLEST, measure_cells, measure_channels
from pairmill.models.camera.photograph import PhotographSpectrum, measure
from pairmill.models.camera.robust import estimate_robustly
from pairmill.models.camera.variation import (
    BEYOND_CELLS,
    FEWEST,
    Variation,
    _located,
    _shrunk,
    variation,
)
from tests.support.cameras import kernel_of, photograph_by, soft_corners

INNER, OUTER = 1.4, 2.1
EXPECTED = np.log(OUTER / INNER) * np.array([1, 0, 1, 0, 0, 0, 1, 0, 1])


def told(photographs: list[np.ndarray]) -> Variation | None:
    wholes = [measure(one) for one in photographs]
    cells = [measure_cells(one, whole) for one, whole in zip(photographs, wholes, strict=True)]
    return variation(estimate_robustly(wholes), wholes, cells, BEYOND_CELLS)


def test_soft_corners_are_found() -> None:
    inner, outer = kernel_of(INNER), kernel_of(OUTER)
    found = told([soft_corners(inner, outer, seed) for seed in range(6)])
    assert found is not None
    assert found.photographs == 6
    # The first corner is nothing but noise in all of them: nothing is known there, and said so.
    assert abs(found.stretches[0]) < 0.05
    assert found.deviations[0] > 0.1
    np.testing.assert_allclose(found.stretches[1:], EXPECTED[1:], atol=0.08)
    assert (found.deviations[1:] < 0.06).all()


def test_a_camera_without_soft_corners_has_none() -> None:
    found = told([photograph_by(kernel_of(1.4), seed) for seed in range(FEWEST)])
    assert found is not None
    assert np.abs(found.stretches).max() < 0.06
    assert (np.abs(found.stretches) < 3 * found.deviations).all()


def test_too_few_photographs_tell_nothing() -> None:
    """Those that are too small for cells do not count."""
    photographs = [photograph_by(kernel_of(1.4), seed) for seed in range(FEWEST - 1)]
    assert told([*photographs, photographs[0][:, : SMALLEST - 1]]) is None


def test_cells_are_counted_as_the_camera_saw_them() -> None:
    """Ramps of contrast: the strongest part of a turned photograph is where it was before."""
    rows, columns = np.mgrid[0:192, 0:256]
    strength = 5 * (rows * 3 // 192) + 20 * (columns * 3 // 256)
    noise = np.random.default_rng(1).standard_normal((192, 256))
    wide = np.clip(128 + strength * noise, 0, 255).astype(np.uint8)[:, :, None].repeat(3, 2)
    whole = measure(wide)
    powers = [one.power.mean() for one in measure_cells(wide, whole)]
    assert np.argsort(powers).tolist() == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    turned = np.ascontiguousarray(np.rot90(wide, -1))
    np.testing.assert_allclose(
        [one.power.mean() for one in measure_cells(turned, whole)], powers, rtol=0.1, atol=1
    )
    assert measure_cells(wide[: SMALLEST - 1], whole) == ()


def test_cells_of_a_jpeg_begin_where_they_lie() -> None:
    """A cell that starts inside a block of 8 x 8 knows where: cut out, it says the same."""
    photograph = photograph_by(kernel_of(1.4), 3, height=200, width=300)
    table = np.full((8, 8), 16)
    whole = measure(photograph, table, (3, 5))
    cell = measure_cells(photograph, whole, table, (3, 5))[CELLS + 1]
    top, left = 200 // 3, 100
    own = measure(photograph[top : 2 * top, left : 2 * left], table, (3 + top, 5 + left))
    np.testing.assert_allclose(cell.distortion, own.distortion)
    np.testing.assert_allclose(cell.power, own.power)
    assert cell.power.shape == (SIDE, SIDE // 2 + 1)
    assert isinstance(cell, PhotographSpectrum)


def test_odd_photographs_count_little() -> None:
    """Seven photographs say 0.3, one says 2: the location stays near 0.3, not at the mean 0.51."""
    away = np.array([0.3, 0.28, 0.32, 0.3, 0.29, 0.31, 0.3, 2.0])[:, None]
    middle, variance = _located(away, np.full_like(away, 1e-4))
    assert middle[0] == pytest.approx(0.3, abs=0.02)
    assert 0.005 < np.sqrt(variance[0]) < 0.05


def test_stretches_are_kept_as_far_as_the_parts_insist() -> None:
    """Large ones stay, small ones, beside deviations of 0.05, are halved at least."""
    large = np.array([0.4, -0.4, 0.3, -0.3])
    kept, _ = _shrunk(large, np.full(4, 0.02**2))
    np.testing.assert_allclose(kept, large, rtol=0.01)
    small = np.array([0.02, -0.02, 0.01, -0.01])
    kept, variances = _shrunk(small, np.full(4, 0.05**2))
    assert (np.abs(kept) < np.abs(small) / 2).all()
    assert (variances < 0.05**2).all()


def test_channels_of_a_jpeg_have_what_its_luma_and_chroma_lost() -> None:
    """G loses least of chroma: 0.344^2 of Cb and 0.714^2 of Cr, B 1.772^2 of Cb."""
    photograph = photograph_by(kernel_of(1.4), 3)
    luma, chroma = np.full((8, 8), 12), np.full((8, 8), 40)
    coded = [one.distortion for one in measure_channels(photograph, (luma, chroma))]
    fine = [one.distortion for one in measure_channels(photograph, (luma, np.full((8, 8), 1)))]
    added = [float((more - less).mean()) for more, less in zip(coded, fine, strict=True)]
    assert 0 < added[1] < added[0] < added[2]
    assert all(one.power.shape == (SIDE, SIDE // 2 + 1) for one in measure_channels(photograph))
    assert all(not one.distortion.any() for one in measure_channels(photograph))
    assert measure_channels(photograph[..., [1, 1, 1]]) == ()

"""Photographs are told apart by their blurs where two cameras took them, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.camera.clusters import LoneWidth, clusters, lone_width
from tests.support.cameras import spectrum_by


def widths(sigma: float, count: int, seed: int) -> list[LoneWidth]:
    rng = np.random.default_rng([seed, round(100 * sigma)])
    return [lone_width(spectrum_by(sigma, rng)) for _ in range(count)]


@pytest.mark.parametrize("sigma", [0.8, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_one_camera_is_not_split(sigma: float, seed: int) -> None:
    assert clusters(widths(sigma, 24, seed), 4) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_sharp_and_a_soft_camera_are_told_apart(seed: int) -> None:
    assert clusters([*widths(2.0, 8, seed), *widths(0.8, 8, seed)], 4) == (1,) * 8 + (0,) * 8


def told(count: int, *places: float) -> list[LoneWidth]:
    rng = np.random.default_rng(1)
    return [
        LoneWidth(place + 0.08 * float(rng.standard_normal()), 0.003)
        for place in places
        for _ in range(count)
    ]


def test_three_cameras_are_told_apart_in_any_order() -> None:
    found = told(10, -0.4, 0.2, 0.9)
    order = np.random.default_rng(2).permutation(30)
    assert clusters(found, 4) == (0,) * 10 + (1,) * 10 + (2,) * 10
    turned = clusters([found[number] for number in order], 4)
    assert turned == tuple(number // 10 for number in order.tolist())


def test_no_part_is_too_small() -> None:
    assert clusters([*told(12, 0.0), *told(3, 1.0)], 4) is None
    assert clusters([*told(12, 0.0), *told(3, 1.0)], 3) == (0,) * 12 + (1,) * 3
    assert clusters(told(3, 0.0, 1.0), 4) is None
    assert clusters([], 4) is None


def test_one_outlier_splits_nothing() -> None:
    assert clusters([*told(20, 0.0), LoneWidth(-3.0, 0.003)], 4) is None
    assert clusters([LoneWidth(0.1, 0.0)] * 10, 4) is None

"""Detrending: strength kept, shading gone, mean exactly zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from pairmill.pipeline.noise.residual import degree, residual


def noisy(side: int, sigma: float, shade: np.ndarray | float = 0.0, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, (side, side, 3))
    return np.clip(np.rint(120 + np.asarray(shade)[..., None] + noise), 0, 255).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, (16, 16, 3)))
def test_each_channel_sums_to_exactly_zero(patch: np.ndarray) -> None:
    rest = residual(patch)
    assert rest.dtype == np.float32
    assert rest.shape == patch.shape
    assert (rest.astype(np.float64).sum(axis=(0, 1)) == 0).all()
    assert (rest * 256 == np.rint(rest * 256)).all()


@pytest.mark.parametrize(
    ("side", "order"), [(16, 1), (24, 1), (32, 2), (64, 3), (128, 4), (256, 5)]
)
def test_white_noise_keeps_its_strength_at_every_size(side: int, order: int) -> None:
    assert degree(side) == order
    patches = [residual(noisy(side, 5.0, seed=seed)) for seed in range(256 // side * 8)]
    assert np.sqrt(np.mean(np.square(patches))) == pytest.approx(
        np.hypot(5, np.sqrt(1 / 12)), rel=0.01
    )


@pytest.mark.parametrize(
    "shade",
    [
        pytest.param(lambda y, x: 2 * y + x, id="slope"),
        pytest.param(lambda y, x: 2 * y * y - 2 * x * y, id="curved"),
        pytest.param(lambda y, x: 2 * np.sin(2 * x + y), id="wave"),
    ],
)
def test_shading_of_two_grey_levels_disappears(
    shade: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> None:
    y, x = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64), indexing="ij")
    rest = residual(noisy(64, 2.0, shade(y, x))).astype(float)
    blocks = rest.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))
    assert rest.std() == pytest.approx(np.hypot(2, np.sqrt(1 / 12)), rel=0.02)
    assert blocks.std() < 1.3 * 2 / 8  # what white noise leaves in means of 8 x 8


def test_a_constant_patch_leaves_nothing() -> None:
    assert not residual(np.full((64, 64, 3), 200, np.uint8)).any()


def test_a_plane_is_taken_off_by_hand() -> None:
    rows = np.arange(16)[:, None, None] * np.ones((1, 16, 3))
    assert np.abs(residual(rows.astype(np.uint8))).max() <= 1 / 256

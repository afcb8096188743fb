"""Noise against level: right on synthetic sensors, quiet where nothing can be known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pairmill.models.camera.levels import BLOCK, blocks_of, noise_by_level


def seen(seed: int, read: float, shot: float, texture: float = 0.0) -> NDArray[np.uint8]:
    """Soft shades over all levels, and texture in half of them, by a sensor of variance
    read^2 + shot * level."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:300, :380]
    scene = 128 + 115 * np.sin(rows / 60 + rng.uniform(0, 6, 3)[:, None, None])
    scene = np.moveaxis(scene, 0, 2)
    fine = gaussian_filter(rng.standard_normal((300, 380, 1)), (1, 1, 0)) * texture
    scene = scene + np.where(columns[:, :, None] < 190, fine, 0)
    noisy = scene + rng.standard_normal(scene.shape) * np.sqrt(
        read**2 + shot * np.clip(scene, 0, None)
    )
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("read", "shot"), [(1.0, 0.02), (2.0, 0.1), (5.0, 0.0), (0.5, 0.01)])
def test_a_sensor_s_noise_is_found_within_a_tenth(read: float, shot: float) -> None:
    found = noise_by_level([blocks_of(seen(seed, read, shot, 40.0)) for seed in range(8)])
    for channel in found:
        assert len(channel) >= 6
        assert [point.level for point in channel] == sorted(point.level for point in channel)
        for point in channel:
            truth = math.sqrt(read**2 + shot * point.level)
            assert point.std == pytest.approx(truth, rel=0.1), point


def test_one_painted_picture_changes_nothing() -> None:
    photographs = [blocks_of(seen(seed, 3.0, 0.0)) for seed in range(8)]
    painted = np.full((300, 380, 3), 120, np.uint8)
    nearly = painted.copy()
    nearly[::9, ::7] += 1
    for odd in (painted, nearly):
        for channel in noise_by_level([*photographs, blocks_of(odd)]):
            assert all(point.std == pytest.approx(3.0, rel=0.1) for point in channel)


def test_clipped_and_few_blocks_say_nothing() -> None:
    assert noise_by_level([]) == ((), (), ())
    assert noise_by_level([blocks_of(np.full((300, 300, 3), 255, np.uint8))]) == ((), (), ())
    assert noise_by_level([blocks_of(seen(0, 2.0, 0.0)[:40, :40])]) == ((), (), ())
    assert len(blocks_of(np.zeros((10, 400, 3), np.uint8)).texture) == 0


def test_blocks_are_those_of_the_image() -> None:
    image = np.zeros((2 + 3 * BLOCK, 2 + 2 * BLOCK + 5, 3), np.uint8)
    image[..., 1] = 50
    found = blocks_of(image)
    assert found.level.shape == found.noise.shape == (6, 3)
    assert np.isnan(found.level[:, 0]).all()
    assert (found.level[:, 1] == 50).all()
    assert not found.noise.any()

"""Noise against level: right on synthetic sensors, quiet where nothing can be known."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pairmill.models.camera.flat_blocks import BLOCK, blocks_of, fine_noise
from pairmill.models.camera.levels import NoiseLevels, noise_by_level
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.compression.tables import LUMA, standard


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
    for channel in found.channels:
        assert len(channel) >= 6
        assert [point.level for point in channel] == sorted(point.level for point in channel)
        for point in channel:
            truth = math.sqrt(read**2 + shot * point.level)
            assert point.std == pytest.approx(truth, rel=0.1), point


def textured(
    seed: int, strong: float, noise: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.uint8]:
    """Shades that are nowhere flat, the dark ones of sharper texture, under a noise by scene."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:300, :380]
    scene = 128 + 100 * np.sin(rows / 60 + columns / 97 + rng.uniform(0, 6))
    white, strength = rng.standard_normal((2, *scene.shape))
    strength = strong * (8 + 300 * np.abs(gaussian_filter(strength, 20)))
    sharp, soft = (gaussian_filter(white, sigma) * sigma for sigma in (1.0, 1.4))
    scene += strength * np.where(scene < 100, sharp, soft)
    return np.clip(np.rint(scene[:, :, None] + noise(scene)), 0, 255).astype(np.uint8)


def test_levels_compare_as_they_should_though_their_textures_differ() -> None:
    """By fine cosines alone the dark would be 1.10 to 1.12 times as noisy beside the bright."""
    rng = np.random.default_rng(1)

    def noise(scene: NDArray[np.float64]) -> NDArray[np.float64]:
        wanted = np.sqrt(1 + 0.02 * np.clip(scene, 0, None))
        return np.asarray(rng.standard_normal((*scene.shape, 3)) * wanted[..., None])

    found = noise_by_level([blocks_of(textured(seed, 1, noise)) for seed in range(8)])
    for channel in found.channels:
        assert len(channel) == 8
        ratios = [point.std / math.sqrt(1 + 0.02 * point.level) for point in channel]
        assert max(ratios) / min(ratios) < 1.07
        assert ratios == pytest.approx([1] * 8, rel=0.12)


def test_noise_of_any_colour_keeps_the_strength_that_fine_cosines_say() -> None:
    """Blurred noise is weaker in the finest cosines: 0.86 times as strong here."""
    rng = np.random.default_rng(3)

    def noise(scene: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(rng.normal(0, 6, (*scene.shape, 3)), (0.45, 0.45, 0)))

    truth = np.sqrt(fine_noise(noise(np.zeros((800, 800))), by_luma=False, rounded=False))
    found = noise_by_level([blocks_of(textured(seed, 1, noise)) for seed in range(8)])
    for channel, std in zip(found.channels, truth, strict=True):
        assert [point.std for point in channel] == pytest.approx([std] * 8, rel=0.1)


def test_soft_noise_is_compared_by_what_there_is_of_it() -> None:
    """Blurred by a pixel it leaves less in the finest cosines than rounding does: by these, dark
    parts seemed 2.2 times as noisy beside bright ones.
    """
    rng = np.random.default_rng(0)

    def noise(scene: NDArray[np.float64]) -> NDArray[np.float64]:
        soft = gaussian_filter(rng.standard_normal((*scene.shape, 3)), (1, 1, 0))
        return np.asarray(soft * np.sqrt(1 + 0.4 * np.clip(scene, 0, None))[..., None])

    found = noise_by_level([blocks_of(textured(seed, 0, noise)) for seed in range(8)])
    for channel in found.channels:
        ratios = [point.std / math.sqrt(1 + 0.4 * point.level) for point in channel]
        assert max(ratios) / min(ratios) < 1.12


def test_one_painted_picture_changes_nothing() -> None:
    photographs = [blocks_of(seen(seed, 3.0, 0.0)) for seed in range(8)]
    painted = np.full((300, 380, 3), 120, np.uint8)
    nearly = painted.copy()
    nearly[::9, ::7] += 1
    for odd in (painted, nearly):
        for channel in noise_by_level([*photographs, blocks_of(odd)]).channels:
            assert all(point.std == pytest.approx(3.0, rel=0.1) for point in channel)


def jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Through JPEG, with chroma at half size."""
    coded = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(decoded[:, :, ::-1], np.uint8)


@pytest.mark.parametrize("quality", [95, 85, 75])
def test_noise_is_that_of_before_jpeg(quality: int) -> None:
    table = standard(LUMA, quality)
    photographs = [jpeg(seen(seed, 3.0, 0.05, 40.0), quality) for seed in range(8)]
    found = noise_by_level([blocks_of(one, table) for one in photographs])
    unaware = noise_by_level([blocks_of(one) for one in photographs])
    assert len(found.channels[1]) >= 3
    for channel in found.channels:
        for point in channel:
            truth = math.sqrt(9 + 0.05 * point.level)
            assert point.std == pytest.approx(truth, rel=0.12), point
    # What is left of it in the pixels is far less.
    assert np.median([point.std for point in unaware.channels[0]]) < 2.5


def test_channels_have_noise_of_their_own() -> None:
    image = seen(0, 0.0, 0.0).astype(np.float64)
    rng = np.random.default_rng(9)
    noisy = image + rng.standard_normal(image.shape) * (4.0, 2.0, 3.0)
    found = noise_by_level([blocks_of(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))])
    for channel, truth in zip(found.channels, (4.0, 2.0, 3.0), strict=True):
        assert np.median([point.std for point in channel]) == pytest.approx(truth, rel=0.06)


def test_photographs_that_differ_are_told_apart() -> None:
    reads = (2.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0)
    photographs = [blocks_of(seen(seed, read, 0.0)) for seed, read in enumerate(reads)]
    found = noise_by_level(photographs)
    quiet, loud = found.strengths[:4].mean(), found.strengths[4:].mean()
    assert loud / quiet == pytest.approx(2.0, rel=0.1)
    # All are half of ln 2 away from the middle; a normal spread is 1.4826 median deviations.
    assert found.spread == pytest.approx(1.4826 * math.log(2) / 2, rel=0.1)
    alike = noise_by_level([blocks_of(seen(seed, 2.0, 0.0)) for seed in range(8)])
    assert alike.spread < 0.03


def test_a_photograph_that_reads_nothing_is_not_a_difference_of_the_camera() -> None:
    """Of ln 1, 1.1, 0.9, 1 and 0.01: median 0, deviations 0, 0.095, 0.105, 0 and 4.6."""
    found = NoiseLevels(((), (), ()), np.array([1, 1.1, 0.9, 1, 0.01]))
    assert found.spread == pytest.approx(1.4826 * math.log(1.1))
    assert NoiseLevels(((), (), ()), np.zeros(0)).spread == 0


def test_curves_go_through_the_points_and_on_as_they_end() -> None:
    found = noise_by_level([blocks_of(seen(seed, 2.0, 0.1)) for seed in range(4)])
    curves, first = found.curves(), found.channels[0][0]
    assert curves.shape == (3, 256)
    assert curves[0, 0] == first.std == curves[0, int(first.level)]
    assert curves[1, 128] == pytest.approx(math.sqrt(4 + 12.8), rel=0.05)
    assert (noise_by_level([]).curves() == 1).all()


def test_a_step_that_swallows_all_noise_leaves_it_unknown() -> None:
    image = jpeg(seen(0, 0.5, 0.0), 40)
    found = blocks_of(image, standard(LUMA, 40))
    assert np.isnan(found.noise).mean() > 0.5
    assert noise_by_level([found]).channels == ((), (), ())


def test_clipped_painted_and_few_blocks_say_nothing() -> None:
    assert noise_by_level([]).channels == ((), (), ())
    white = blocks_of(np.full((300, 300, 3), 255, np.uint8))
    assert len(white) == len(blocks_of(np.full((300, 300, 3), 99, np.uint8))) == 0
    assert noise_by_level([white]).channels == ((), (), ())
    assert noise_by_level([blocks_of(seen(0, 2.0, 0.0)[:40, :40])]).channels == ((), (), ())
    assert len(blocks_of(np.zeros((10, 400, 3), np.uint8))) == 0


def test_blocks_are_those_of_the_image_on_jpeg_s_grid() -> None:
    rows, columns = np.mgrid[: 3 * BLOCK + 7, : 2 * BLOCK + 5]
    image = np.stack([np.full(rows.shape, 50), 60 + rows // BLOCK, 70 + columns % 2], -1)
    found = blocks_of(image.astype(np.uint8))
    assert found.level.shape == found.noise.shape == (6, 3)
    assert found.level[:, 0].tolist() == [50.0] * 6
    assert found.level[:, 1].tolist() == [60.0, 60.0, 61.0, 61.0, 62.0, 62.0]
    assert not found.noise[:, :2].any()
    # The photograph starts at the last row of a block: the next one is 16 rows down.
    moved = blocks_of(image.astype(np.uint8), np.ones((8, 8), int), (7, 0))
    assert len(moved) == 6
    expected = 0.299 * 50 + 0.587 * (60 + 1 / 16) + 0.114 * 70.5
    assert moved.level[0] == pytest.approx([expected] * 3)


@pytest.mark.parametrize(("quality", "std"), [(95, 1.0), (95, 2.0), (92, 2.0), (92, 4.0)])
def test_noise_behind_fine_steps_is_no_stronger_than_it_was(quality: int, std: float) -> None:
    """libjpeg rounds a sixteenth of a level early, and luma to whole levels first: with cuts at the
    half, and that not taken off, 2.0 at quality 95 was found to be 2.11, and 1.0 to be 1.16."""
    rng = np.random.default_rng(1)
    shading = np.linspace(60, 200, 768)[:, None, None]
    image = np.rint(shading + rng.normal(0, std, (768, 768, 3))).astype(np.uint8)
    coded = roundtrip_quality(image, quality)
    found = blocks_of(coded, standard(LUMA, quality)).noise[:, 0]
    assert np.sqrt(np.nanmean(found)) == pytest.approx(std, rel=0.025)

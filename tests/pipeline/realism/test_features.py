"""Features of patches against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.pipeline.realism import features as f
from pairmill.pipeline.realism.describe import describe, noise_curve
from pairmill.pipeline.realism.match import content, match
from pairmill.pipeline.realism.patches import cut


def noise(
    std: float, count: int = 60, side: int = 32, level: float = 128.0, seed: int = 1
) -> np.ndarray:
    return level + np.random.default_rng(seed).normal(0, std, (count, side, side, 3))


def test_residual_ignores_planes_and_keeps_white_noise() -> None:
    rows, columns = np.mgrid[:32, :32].astype(float)
    plane = np.repeat((3 + 2 * rows - 1.5 * columns)[None, ..., None], 3, axis=3)
    assert np.abs(f.residual(plane)).max() < 1e-12
    assert f.residual_std(f.residual(noise(5.0))).mean() == pytest.approx(5.0, rel=0.02)


def test_residual_of_a_point_is_the_mask() -> None:
    image = np.zeros((1, 16, 16, 3))
    image[0, 8, 8] = 6.0
    assert f.residual(image)[0, 6:9, 6:9, 1].tolist() == [[1, -2, 1], [-2, 4, -2], [1, -2, 1]]


def test_kurtosis_of_gaussian_noise_is_three_and_of_signs_one() -> None:
    gaussian = np.random.default_rng(2).normal(0, 4, (20, 60, 60, 3))
    signs = np.sign(np.random.default_rng(3).normal(0, 1, (20, 60, 60, 3))) * 4
    assert f.kurtosis(gaussian).mean() == pytest.approx(3, rel=0.02)
    assert f.kurtosis(signs).mean() == pytest.approx(1, rel=0.01)


def test_correlation_of_channels() -> None:
    values = np.random.default_rng(4).normal(0, 4, (40, 30, 30, 3))
    values[..., 1] = values[..., 0]  # green is red, blue is its own
    assert f.correlation(values).mean(axis=0) == pytest.approx([1, 0, 0], abs=0.03)


def test_white_noise_has_its_variance_at_all_frequencies() -> None:
    rings = f.ring_means(f.spectrum(noise(3.0, count=400)[..., 0]))
    assert rings.mean(axis=0) == pytest.approx(np.full(f.RINGS, 9.0), rel=0.06)


def test_a_horizontal_wave_is_on_the_horizontal_axis_at_its_frequency() -> None:
    wave = np.broadcast_to(10 * np.cos(2 * np.pi * 8 * np.arange(32) / 32), (1, 32, 32))
    across, down = f.axis_means(f.spectrum(wave))
    peak = int(np.argmax(across[0]))
    assert abs(f.frequencies(32)[peak] - 0.25) <= (0.5 - 2 / 32) / f.RINGS
    assert across[0, peak] > 1000 * down[0].max()


def test_blocks_show_at_their_phase_only() -> None:
    rng = np.random.default_rng(5)
    flat = 100 + rng.normal(0, 1, (50, 32, 32))
    blocks = flat + 6 * ((np.arange(32) // 8) % 2)[None, None, :]
    assert np.abs(f.blockiness(flat).mean(axis=0)).max() < 0.1
    mean = f.blockiness(blocks).mean(axis=0)
    assert int(np.argmax(mean)) == 0
    assert mean[0] > 0.9
    assert f.blockiness(np.roll(blocks, -3, axis=2)).mean(axis=0).argmax() == 5


def test_edge_width_is_the_length_of_a_ramp() -> None:
    for width in (2, 4, 8):
        ramp = np.clip((np.arange(32) - 12) / width, 0, 1) * 200
        assert f.edge_width(np.broadcast_to(ramp, (1, 32, 32)))[0] == pytest.approx(width, rel=0.06)


def test_noise_that_grows_with_brightness_has_a_slope() -> None:
    level = np.broadcast_to(np.linspace(40, 200, 32)[None, None, :, None], (80, 32, 32, 3))
    rng = np.random.default_rng(6)
    shot = level + rng.normal(0, 1, level.shape) * np.sqrt(0.3 * level)
    even = level + rng.normal(0, 6, level.shape)
    slopes = [f.brightness_slope(v.mean(axis=3), f.residual(v)).mean() for v in (shot, even)]
    assert slopes[0] > 0.3
    assert abs(slopes[1]) < 0.06


def test_noise_curve_is_the_calm_quarter_of_each_brightness() -> None:
    level = np.repeat([10.0, 100.0, 250.0], [40, 40, 5])
    std = np.concatenate([np.arange(40.0), np.full(40, 7.0), np.ones(5)])
    assert noise_curve(level, std) == ((8.0, 9.75), (104.0, 7.0))


def test_every_column_has_a_name_and_is_finite_even_for_flat_patches() -> None:
    for side in (16, 32, 40):
        pixels = np.zeros((4, side, side, 3), np.uint8)
        pixels[1] = 255
        pixels[2:] = np.random.default_rng(7).integers(0, 256, (2, side, side, 3))
        values = f.features(pixels)
        assert values.shape == (4, len(f.names(side)))
        assert np.isfinite(values).all()
        assert len(set(f.names(side))) == len(f.names(side))


def test_features_do_not_depend_on_the_company() -> None:
    pixels = np.random.default_rng(8).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    assert f.features(pixels)[4] == pytest.approx(f.features(pixels[4:5])[0], rel=1e-9, abs=1e-9)


def test_description_says_what_it_was_made_of() -> None:
    shown = describe(np.clip(np.rint(noise(4.0)), 0, 255).astype(np.uint8))
    assert shown.residual_std == pytest.approx((4, 4, 4), rel=0.05)
    assert abs(shown.correlation) < 0.05
    assert abs(shown.blockiness) < 0.1
    assert [x for x, _ in shown.noise] == [120.0, 136.0]


def test_content_sees_through_noise_and_jpeg_scale_blur() -> None:
    rng = np.random.default_rng(9)
    coarse = (
        rng.uniform(40, 210, (30, 8, 8))
        .repeat(4, axis=1)
        .repeat(4, axis=2)[..., None]
        .repeat(3, axis=3)
    )
    noisy = np.clip(coarse + rng.normal(0, 6, coarse.shape), 0, 255)
    clean, dirty = content(coarse.astype(np.uint8)), content(noisy.astype(np.uint8))
    assert np.abs((clean - dirty) / clean.std(axis=0)).mean() < 0.15


def test_matching_takes_the_nearest_and_drops_the_far() -> None:
    real = np.array([[0.0, 0, 0], [10, 0, 0], [20, 0, 0]])
    synthetic = np.array([[19.5, 0, 0], [0.2, 0, 0], [500, 0, 0]])
    first, second = match(real, synthetic, np.ones(3), 9)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (2, 0)]
    first, second = match(real, synthetic, np.ones(3), 1)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1)]
    assert len(match(real, synthetic[:0], np.ones(3), 9)[0]) == 0


def test_patches_start_anywhere_and_are_shared_evenly() -> None:
    image = np.zeros((67, 90, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(67)[:, None], np.arange(90)[None]
    patches = cut([image, image[:40], image[:31]], ["a", "b", "c"], 32, 8, 0)
    corners = patches.pixels[:, 0, 0, :2]
    assert (corners % 8).any()
    assert (patches.pixels[:, -1, -1, :2] == corners + 31).all()
    assert patches.sources.tolist() == ["a"] * 4 + ["b"] * 4  # c is smaller than a patch
    few = cut([image, image[:40]], ["a", "b"], 32, 1000, 0)
    assert few.sources.tolist().count("a") == 3 * 4
    assert few.sources.tolist().count("b") == 4

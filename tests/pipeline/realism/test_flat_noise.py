"""Noise of flat blocks, AKLD and KLD: known ratios of Gaussians, texture that is not noise, known
noise, determinism."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pairmill.pipeline.realism.flat_noise import LEVELS, FlatNoise, flat_noise, known_noise
from pairmill.pipeline.realism.noise_distance import akld, kld, normal_divergence

NAMES = [f"{number}" for number in range(8)]


def flat(seed: int, std: float, *, texture: bool = False) -> np.ndarray:
    """136 x 144 of several levels with white noise; half of it with texture, if asked for."""
    rng = np.random.default_rng([3, seed])
    values = np.kron(rng.uniform(60, 200, (17, 18, 1)), np.ones((8, 8, 3)))
    if texture:
        rough = gaussian_filter(rng.standard_normal((68, 144)), 0.7) * 40
        values[:68] += rough[:, :, None]
    noisy = values + rng.normal(0, std, values.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def noise(std: float, first: int = 0, *, texture: bool = False) -> FlatNoise:
    images = [flat(first + number, std, texture=texture) for number in range(8)]
    return flat_noise(images, NAMES, 0)


def value(photographs: FlatNoise, made: FlatNoise) -> float:
    score = akld(photographs, made, 0)
    assert score is not None
    assert score.interval is not None
    assert score.interval[0] <= score.value <= score.interval[1]
    return score.value


@pytest.mark.parametrize(
    ("made", "expected"), [(4.0, 0.0), (3.6, 0.0103), (3.0, 0.0691), (2.0, 0.318)]
)
def test_akld_of_gaussians_is_the_closed_form(made: float, expected: float) -> None:
    # KL(N(0, a^2) || N(0, b^2)) = (a^2 / b^2 - 1 - log(a^2 / b^2)) / 2 with b = 4
    assert value(noise(4.0), noise(made, 20)) == pytest.approx(
        expected, abs=0.004 + 0.04 * expected
    )


def test_kld_of_gaussians_is_that_of_their_histograms() -> None:
    # KL(N(0, 4^2) || N(0, 3^2)) = log(3 / 4) + 16 / 18 - 1 / 2 = 0.1012
    score, control = kld(noise(4.0), noise(3.0, 20), 0), kld(noise(4.0), noise(4.0, 20), 0)
    assert score is not None
    assert control is not None
    assert score.value == pytest.approx(0.1012, abs=0.012)
    assert control.value < 0.006


def test_divergence_by_hand() -> None:
    ratio = np.log(0.25)
    assert normal_divergence(np.array(ratio), np.array(0.0)) == pytest.approx(
        (0.25 - 1 - ratio) / 2
    )
    assert normal_divergence(np.array(1.3), np.array(1.3)) == 0


def test_texture_is_not_taken_for_noise() -> None:
    rough = noise(4.0, texture=True)
    assert 1000 < rough.blocks < 1400  # 306 blocks an image, about half of them flat
    assert value(noise(4.0), rough) < 0.006
    std = np.exp(rough.curves(np.ones((1, 8)))[0] / 2)
    middle = std[:, (LEVELS > 70) & (LEVELS < 190)]
    assert middle.min() > 3.6
    assert middle.max() < 4.4


def test_noise_by_level_is_followed() -> None:
    images = []
    for number in range(8):
        rng = np.random.default_rng([4, number])
        level = np.kron(rng.uniform(40, 215, (17, 18, 1)), np.ones((8, 8, 3)))
        values = level + rng.standard_normal(level.shape) * np.sqrt(4 + 0.2 * level)
        images.append(np.clip(np.rint(values), 0, 255).astype(np.uint8))
    variance = np.exp(flat_noise(images, NAMES, 0).curves(np.ones((1, 8)))[0, 1])
    inside = (LEVELS > 50) & (LEVELS < 205)
    assert variance[inside] == pytest.approx(4 + 0.2 * LEVELS[inside], rel=0.08)


def test_known_noise_needs_no_flat_place() -> None:
    rng = np.random.default_rng(5)
    clean = [rng.integers(60, 200, (72, 80, 3)).astype(np.uint8) for _ in range(8)]
    made = [
        np.clip(np.rint(one + rng.normal(0, 4, one.shape)), 0, 255).astype(np.uint8)
        for one in clean
    ]
    assert value(noise(4.0), known_noise(made, clean, NAMES)) < 0.003


def test_nothing_in_common_is_no_score_and_no_block_is_no_error() -> None:
    dark = [np.clip(flat(n, 2.0) // 8 + 2, 0, 255).astype(np.uint8) for n in range(8)]
    bright = [(230 + flat(n, 2.0) // 12).astype(np.uint8) for n in range(8)]
    assert akld(flat_noise(dark, NAMES, 0), flat_noise(bright, NAMES, 0), 0) is None
    painted = [np.full((40, 40, 3), 90, np.uint8)] * 2
    assert flat_noise(painted, ["a", "b"], 0).blocks == 0
    assert flat_noise([painted[0][:5]], ["a"], 0).blocks == 0


def test_order_of_images_does_not_matter_and_the_answer_is_the_same_again() -> None:
    images = [flat(number, 4.0) for number in range(8)]
    first, again = (flat_noise(images, NAMES, 0) for _ in range(2))
    assert np.array_equal(first.moment, again.moment)
    assert akld(first, noise(3.0, 20), 0) == akld(again, noise(3.0, 20), 0)

"""KID, FID and the distance of spectra: worked examples, closed forms, known blur."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pairmill.pipeline.realism.features import frequencies
from pairmill.pipeline.realism.frechet import fid, frechet_distance
from pairmill.pipeline.realism.kid import kid, kid_features, polynomial
from pairmill.pipeline.realism.kid_feature import NAME
from pairmill.pipeline.realism.patches import Patches, cut
from pairmill.pipeline.realism.spectrum_distance import spectrum_distance


def names(count: int, images: int, first: str = "") -> np.ndarray:
    return np.array([f"{first}{number % images:02d}" for number in range(count)])


def test_kernel_is_the_cubic_of_binkowski() -> None:
    x = np.array([[1.0, 2.0]])
    assert polynomial(x, np.array([[3.0, 4.0]])).tolist() == [[(11 / 2 + 1) ** 3]]


def test_kid_by_hand() -> None:
    # d = 1, k(x, y) = (xy + 1)^3. Real 0, 1, made 1, 2, each an image of its own:
    # within real k(0, 1) = 1, within made k(1, 2) = 27, across (1 + 1 + 8 + 27) / 4 = 9.25
    real, made = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    score = kid(real, made, (np.array(["a", "b"]), np.array(["c", "d"])), 0)
    assert score.value == pytest.approx(1 + 27 - 2 * 9.25)


def test_kid_of_one_distribution_is_zero_within_its_interval_and_may_be_below() -> None:
    rng = np.random.default_rng(0)
    below = 0
    for _ in range(10):
        x, y = rng.standard_normal((2, 120, 6))
        score = kid(x, y, (names(120, 12), names(120, 12, "s")), 0)
        assert score.interval is not None
        assert score.interval[0] < 0 < score.interval[1]
        below += score.value < 0
    assert 0 < below < 10  # without bias
    far = kid(x, y + 1, (names(120, 12), names(120, 12, "s")), 0)
    assert far.interval is not None
    assert far.interval[0] > 0.5


def test_kid_feature_is_fixed() -> None:
    """A change of `features` is another feature: raise VERSION in benchmarks/realism_feature.py."""
    rng = np.random.default_rng(1)
    image = gaussian_filter(rng.standard_normal((64, 64, 3)), (2, 2, 0)) * 300 + 120
    image = np.clip(image + rng.normal(0, 3, image.shape), 0, 255)
    pixels = np.asarray(image, np.uint8).reshape(2, 32, 2, 32, 3).swapaxes(1, 2)
    values = kid_features(Patches(pixels.reshape(4, 32, 32, 3), np.array(["a"] * 4)))
    assert NAME == "pairmill-patch-32/1"
    assert values.shape == (4, 70)
    assert values.mean(axis=0)[:6] == pytest.approx(
        [0.6945, 0.599, 0.6274, -1.1728, -1.2055, -1.1024], abs=1e-3
    )
    assert np.abs(values).sum() == pytest.approx(278.85, abs=0.02)


def test_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 2, (20_000, 3)) * [1, 2, 3]
    y = rng.normal(0, 2, (20_000, 3)) * [2, 2, 1] + [1, 0, 0]
    # |m|^2 = 1; diagonal covariances: sum of (s - t)^2 = 2^2 + 0 + 4^2
    assert frechet_distance(x, y) == pytest.approx(1 + 4 + 16, rel=0.03)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-8)


def test_frechet_distance_with_fewer_rows_than_columns() -> None:
    x, y = np.random.default_rng(3).standard_normal((2, 5, 9))
    covariances = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).astype(complex)).real.sum()
    apart = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    expected = apart + np.trace(covariances[0] + covariances[1]) - 2 * root
    assert frechet_distance(x, y) == pytest.approx(expected, abs=1e-6)


def test_fid_has_an_interval() -> None:
    x, y = np.random.default_rng(4).standard_normal((2, 60, 4))
    score = fid(x, y + 3, (names(60, 10), names(60, 10)), 0)
    assert score.interval is not None
    assert score.interval[0] < score.value < score.interval[1]
    assert score.value == pytest.approx(36, rel=0.2)


def test_spectrum_distance_of_a_known_blur_in_decibels() -> None:
    rng = np.random.default_rng(5)
    sharp = [rng.normal(0, 50, (96, 96, 1)) for _ in range(8)]
    sigma = 0.5

    def side(images: list[np.ndarray]) -> Patches:
        shown = [np.clip(np.rint(one + 128), 0, 255).astype(np.uint8) for one in images]
        return cut(
            [np.repeat(one, 3, axis=2) for one in shown], [f"{n}" for n in range(8)], 32, 99, 0
        )

    f = np.fft.fftfreq(512)
    transfer = np.fft.fft2(gaussian_filter(np.pad([[1.0]], (256, 255)), sigma, mode="wrap"))
    radius = np.hypot(f[:, None], f[None])
    rings = np.array(frequencies(32))
    half = (rings[1] - rings[0]) / 2
    expected = []
    for ring in rings:
        edge = 1.0 if ring == rings[-1] else ring + half
        inside = (radius >= ring - half) & (radius < edge)
        expected.append(10 * np.log10(np.square(np.abs(transfer))[inside].mean()))
    soft = [gaussian_filter(one, (sigma, sigma, 0), mode="wrap") for one in sharp]
    score = spectrum_distance(side(sharp), side(soft), 0)
    assert score.value == pytest.approx(np.sqrt(np.square(expected).mean()), abs=0.2)
    assert score.value > 3
    assert spectrum_distance(side(sharp), side(sharp), 0).value == 0

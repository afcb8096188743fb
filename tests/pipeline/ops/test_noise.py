"""Noise ops as programs use them: moments, channels, sizes, borders of the range, and bytes.

Bounds are 4.5 standard errors, which normal chance passes once in 150,000; keys are fixed, so that
a test never changes its mind.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.stats import norm

from pairmill.models.functional.noise import covariance_root, normals, words_for
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops import OPS
from pairmill.pipeline.ops.noise import STRIP
from pairmill.pipeline.rng import raw_words
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.noise import (
    BlockNoise,
    GaussianNoise,
    PoissonNoise,
    ShotReadNoise,
    SpeckleNoise,
)
from tests.support.make import photograph

KEY = "00112233445566778899aabbccddeeff"
COVARIANCE = ((625.0, 300.0, 50.0), (300.0, 400.0, 10.0), (50.0, 10.0, 100.0))
SIGMAS = 4.5
SIDE = 200
ALL: dict[str, Any] = {
    "gaussian": GaussianNoise(sigma=12.5, key=KEY),
    "gaussian grey": GaussianNoise(sigma=12.5, mode="grey", key=KEY),
    "gaussian correlated": GaussianNoise(
        sigma=0, mode="correlated", covariance=COVARIANCE, key=KEY
    ),
    "speckle": SpeckleNoise(sigma=0.1, key=KEY),
    "speckle grey": SpeckleNoise(sigma=0.1, mode="grey", key=KEY),
    "poisson": PoissonNoise(key=KEY),
    "poisson grey": PoissonNoise(grey=True, strength=1.5, key=KEY),
    "poisson dark": PoissonNoise(peak=12.0, key=KEY),
    "shot and read": ShotReadNoise(shot=0.8, read=3.0, key=KEY),
    "blocks": BlockNoise(key=KEY),
}


def apply(op: Any, image: NDArray[Any]) -> NDArray[np.float64]:
    """The image after the op, which must leave its input alone and give float64 of the same
    shape."""
    before = image.copy()
    noisy = OPS[type(op)](op, image, Assets())
    np.testing.assert_array_equal(image, before)
    assert noisy.dtype == np.float64
    assert noisy.shape == image.shape
    return np.asarray(noisy, np.float64)


def noise_on(op: Any, value: float) -> NDArray[np.float64]:
    """What the op adds to a flat image, as (pixels, 3)."""
    flat = np.full((SIDE, SIDE, 3), value)
    return (apply(op, flat) - value).reshape(-1, 3)


def check_moments(noise: NDArray[np.float64], deviation: float, samples: int) -> None:
    """Mean 0 and the deviation, each within 4.5 standard errors of so many independent samples."""
    assert abs(noise.mean()) < SIGMAS * deviation / samples**0.5
    assert noise.std() == pytest.approx(deviation, rel=SIGMAS / (2 * samples) ** 0.5)


@pytest.mark.parametrize("op", ALL.values(), ids=ALL)
@pytest.mark.parametrize("size", [(37, 31), (1, 1), (1, 5), (131, 97)])
def test_any_size_and_type(op: Any, size: tuple[int, int]) -> None:
    """8 bits and float64 of the same values give the same, and so does the same key again; another
    key does not."""
    image = photograph(5, *size)
    noisy = apply(op, image)
    np.testing.assert_array_equal(noisy, apply(op, image.astype(np.float64)))
    np.testing.assert_array_equal(noisy, apply(op, image))
    assert image.size < 100 or (noisy != apply(op.with_(key=KEY[::-1]), image)).mean() > 0.3
    np.testing.assert_array_equal(noisy, apply(op, np.asfortranarray(image)))


@pytest.mark.parametrize("value", [0.0, 128.0, 255.0])
def test_colour_mode(value: float) -> None:
    noise = noise_on(ALL["gaussian"], value)
    check_moments(noise, 12.5, noise.size)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < SIGMAS / len(noise) ** 0.5
    rows = noise.reshape(SIDE, SIDE, 3)
    for one, other in (
        (rows[1:], rows[:-1]),
        (rows[:, 1:], rows[:, :-1]),
    ):  # neighbours do not know each other
        assert abs((one * other).mean()) / 12.5**2 < SIGMAS / one.size**0.5


def test_grey_mode() -> None:
    noise = noise_on(ALL["gaussian grey"], 100)
    np.testing.assert_array_equal(noise, noise[:, :1].repeat(3, axis=1))
    check_moments(noise, 12.5, len(noise))


def test_correlated_mode() -> None:
    """Each covariance within 4.5 standard errors, sqrt((c_ii c_jj + c_ij^2) / n)."""
    noise, law = noise_on(ALL["gaussian correlated"], 100), np.array(COVARIANCE)
    error = np.sqrt((np.outer(law.diagonal(), law.diagonal()) + law**2) / len(noise))
    assert (np.abs(noise.T @ noise / len(noise) - law) < SIGMAS * error).all()


def test_speckle_grows_with_the_image() -> None:
    for value in (10.0, 200.0):
        check_moments(noise_on(ALL["speckle"], value), 0.1 * value, 3 * SIDE**2)
    assert not noise_on(ALL["speckle"], 0).any()
    grey = noise_on(ALL["speckle grey"], 200)
    np.testing.assert_array_equal(grey, grey[:, :1].repeat(3, axis=1))


@pytest.mark.parametrize(
    ("value", "peak"),
    [(255, 1000.0), (128, 1000.0), (3, 1000.0), (1, 100.0), (255, 2.0), (77, 12.5)],
)
def test_poissons_variance_is_its_mean(value: int, peak: float) -> None:
    noise = noise_on(PoissonNoise(peak=peak, key=KEY), value)
    mean, samples = value / 255 * peak, noise.size
    assert abs(noise.mean()) < SIGMAS * mean**0.5 * 255 / peak / samples**0.5 + 2e-4 * value
    error = np.sqrt((2 + 1 / mean) / samples)  # of a variance, with Poisson's kurtosis 3 + 1 / mean
    assert noise.var() == pytest.approx(mean * (255 / peak) ** 2, rel=SIGMAS * error + 1.5e-3)
    counts = (noise + value) * peak / 255
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < SIGMAS / len(noise) ** 0.5


def test_poisson_keeps_what_eight_bits_leave_over_and_scales() -> None:
    """The noise is that of the rounded image; the image itself is not rounded."""
    image = photograph(2) * 0.9 + 0.03
    rounded = np.floor(np.clip(image, 0, 255) + 0.5)
    once = apply(PoissonNoise(peak=50.0, key=KEY), rounded) - rounded
    twice = apply(PoissonNoise(peak=50.0, strength=2.0, key=KEY), image) - image
    np.testing.assert_allclose(twice, 2 * once, atol=1e-9)


def test_poisson_levels_and_grey() -> None:
    """Three values in the image: four photons at white. Grey: the same noise, that of the
    luminance."""
    image = np.full((37, 31, 3), 255, np.uint8)
    image[:9], image[9:20] = 0, 128
    np.testing.assert_array_equal(
        apply(PoissonNoise(key=KEY), image), apply(PoissonNoise(peak=4.0, key=KEY), image)
    )
    assert not apply(PoissonNoise(key=KEY), image)[:9].any()
    photo = photograph(3)
    grey = apply(ALL["poisson grey"], photo) - photo
    np.testing.assert_allclose(grey, grey[..., :1].repeat(3, axis=2), atol=1e-9)
    lightness = np.floor(photo @ np.array([0.299, 0.587, 0.114]) + 0.5)
    counts = (grey[..., 0] / 1.5 + lightness) * 256 / 255
    assert (
        np.isclose(counts, np.rint(counts), atol=1e-6).mean() > 0.99
    )  # a luminance at .5 may round either way here


@pytest.mark.parametrize(
    ("value", "variance"), [(0.0, 9.0), (-20.0, 9.0), (100.0, 89.0), (255.0, 213.0)]
)
def test_shot_and_read_noise(value: float, variance: float) -> None:
    check_moments(noise_on(ALL["shot and read"], value), variance**0.5, 3 * SIDE**2)


def test_blocks_have_a_sigma_each() -> None:
    """Sigmas of 25 x 25 blocks are uniform in [0, 75), each seen in 192 samples."""
    blocks = noise_on(ALL["blocks"], 128).reshape(25, 8, 25, 8, 3).std(axis=(1, 3, 4)).ravel()
    assert blocks.mean() == pytest.approx(37.5, abs=SIGMAS * 75 / (12 * 625) ** 0.5)
    assert blocks.std() == pytest.approx(75 / 12**0.5, rel=0.08)
    assert (blocks.min(), blocks.max()) == (pytest.approx(0, abs=1.5), pytest.approx(75, abs=12))
    words = raw_words(KEY, 625)
    sigmas = (words >> np.uint64(11)) * 2.0**-53 * 75
    assert np.corrcoef(sigmas, blocks)[0, 1] > 0.99


def test_strips_do_not_show() -> None:
    """An image of several strips gets what one long field would give it, from the op's own stream
    and in C order."""
    image = photograph(6, 131, 97)
    assert image.size > 3 * 3 * STRIP
    field = normals(raw_words(KEY, words_for(image.size)), image.shape)
    np.testing.assert_array_equal(apply(ALL["gaussian"], image), image + 12.5 * field)
    np.testing.assert_array_equal(
        apply(ALL["gaussian correlated"], image), image + field @ covariance_root(COVARIANCE)
    )
    one = normals(raw_words(KEY, words_for(131 * 97)), (131, 97, 1))
    np.testing.assert_array_equal(apply(ALL["speckle grey"], image), image + image * (0.1 * one))


GOLDEN = {
    "gaussian": "e5112c3e30df",
    "gaussian grey": "79c402fbbd1b",
    "gaussian correlated": "06b61e40fa88",
    "speckle": "81747be1a219",
    "speckle grey": "0d5f0b3d5e37",
    "poisson": "2a7cad06ecfa",
    "poisson grey": "8676969eb80f",
    "poisson dark": "ecd5d87c7a50",
    "shot and read": "a9db1e676c00",
    "blocks": "15d1a018c0cb",
    "camera": "747345be1964",
}
"""SHA-256 (12 digits) of the float64 bytes of each op's result: all machines, all years. A change
needs a stage's new version."""


def ramp() -> NDArray[np.uint8]:
    """37 x 31 x 3, every level there is, by arithmetic alone."""
    return (np.arange(37 * 31 * 3) * 7 % 256).astype(np.uint8).reshape(37, 31, 3)


def digest(image: NDArray[np.float64]) -> str:
    return hashlib.sha256(image.astype("<f8").tobytes()).hexdigest()[:12]


@pytest.mark.parametrize("name", ALL)
def test_bytes_stay(name: str) -> None:
    assert digest(apply(ALL[name], ramp())) == GOLDEN[name]


def test_bytes_of_the_camera_stay() -> None:
    image: NDArray[Any] = ramp()
    for op in (Unprocess(), ALL["shot and read"], Mosaic(pattern="gbrg"), Process()):
        image = apply(op, image)
    assert digest(image) == GOLDEN["camera"]


def test_first_values() -> None:
    """Four pixels of 100 and the noise that the first twelve 16-bit numbers of the stream stand
    for."""
    noisy = apply(GaussianNoise(sigma=10, key=KEY), np.full((1, 4, 3), 100.0))
    words = [int(word) for word in np.random.Philox(key=int(KEY, 16)).random_raw(3)]
    chances = [
        ((word >> shift & 0xFFFF) + 0.5) / 65536 for word in words for shift in (0, 16, 32, 48)
    ]
    np.testing.assert_allclose(noisy.ravel(), 100 + 10 * norm.ppf(chances), atol=1e-3)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (GaussianNoise, {"sigma": 0, "mode": "correlated"}),
        (GaussianNoise, {"sigma": 1, "covariance": COVARIANCE}),
        (
            GaussianNoise,
            {"sigma": 0, "mode": "correlated", "covariance": ((1, 2, 0), (2, 1, 0), (0, 0, 1))},
        ),
        (
            GaussianNoise,
            {"sigma": 0, "mode": "correlated", "covariance": ((1, 0.5, 0), (0.4, 1, 0), (0, 0, 1))},
        ),
        (
            GaussianNoise,
            {
                "sigma": 0,
                "mode": "correlated",
                "covariance": ((1, 0.9, -0.9), (0.9, 1, 0.9), (-0.9, 0.9, 1)),
            },
        ),
        (
            GaussianNoise,
            {"sigma": 0, "mode": "correlated", "covariance": ((7e4, 0, 0), (0, 1, 0), (0, 0, 1))},
        ),
        (SpeckleNoise, {"sigma": 1.5}),
        (PoissonNoise, {"peak": 0.0}),
        (PoissonNoise, {"peak": -3.0}),
        (PoissonNoise, {"peak": "many"}),
        (BlockNoise, {"sigma": (50.0, 20.0)}),
        (BlockNoise, {"sigma": (0.0, 300.0)}),
        (ShotReadNoise, {"shot": -1, "read": 0}),
    ],
)
def test_what_makes_no_sense_is_refused(model: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({"key": KEY} | values)


@pytest.mark.parametrize(
    "colour", [((1, 0.2, 0), (0, 1, 0), (0, 0, 1)), ((1, 0, 0), (1, 0, 0), (0, 0, 1))]
)
def test_colour_matrices_must_keep_white_and_be_invertible(colour: Any) -> None:
    with pytest.raises(ValidationError, match="colour"):
        Process(colour=colour)

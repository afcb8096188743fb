"""What noise leaves behind JPEG, against noise that was put in."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE, BlockWaves, block_power
from pairmill.models.camera.flat_blocks import noise_before_jpeg, seen_through
from pairmill.models.camera.floors import (
    HIGH,
    VARIANCES,
    added,
    jpeg_floors,
    most_noise,
    quantised,
)
from pairmill.models.camera.photograph import floors_of, measure
from pairmill.models.functional.chroma import grey
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.compression.tables import LUMA, standard
from tests.support.cameras import kernel_of, photograph_by

Floats = NDArray[np.float64]


def _shot(number: int, noise: float) -> NDArray[np.uint8]:
    """A wide blur: nothing of the scene is left at the highest frequencies."""
    return photograph_by(kernel_of(2.5), number, 200, 248, noise=noise)


def _high(power: Floats) -> float:
    radius = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.arange(SIDE // 2 + 1) / SIDE)
    return float(power[radius >= HIGH].mean())


@pytest.mark.parametrize(("quality", "std"), [(95, 2.0), (95, 4.0), (85, 4.0), (85, 6.0)])
def test_what_jpeg_leaves_of_noise_is_foreseen(quality: int, std: float) -> None:
    """Within a quarter, where the noise itself is off by up to three."""
    quiet, noisy = _shot(0, 0.0), _shot(0, std)
    coded = grey(roundtrip_quality(noisy, quality))
    power = block_power(coded)
    variance = float(np.square(grey(noisy) - grey(quiet)).mean())
    floors = floors_of(coded, power, standard(LUMA, quality), (0, 0))
    foreseen, _ = added(floors, variance)
    true = _high(power - block_power(grey(quiet)))
    assert _high(np.asarray(foreseen)) == pytest.approx(true, rel=0.25)


def test_blocks_may_start_anywhere() -> None:
    """Cut where the second quantisation would otherwise find the blocks of the first."""
    coded = grey(roundtrip_quality(_shot(1, 4.0), 80))
    table = standard(LUMA, 80)
    whole, moved = (
        floors_of(part, block_power(part), table, phase)
        for part, phase in ((coded, (0, 0)), (coded[4:, 4:], (4, 4)))
    )
    for one, other in zip(whole, moved, strict=True):
        assert _high(other) == pytest.approx(_high(one), rel=0.15, abs=0.1)


def test_more_noise_leaves_more() -> None:
    coded = grey(roundtrip_quality(_shot(2, 3.0), 90))
    floors = floors_of(coded, block_power(coded), standard(LUMA, 90), (0, 0))
    left = [_high(floor) for floor in floors[VARIANCES >= 0.5]]
    assert left == sorted(left)
    fine = np.add.outer(np.arange(8), np.arange(8)) >= 6
    rounding = float(np.square(standard(LUMA, 90)[fine]).mean()) / 12
    assert 64 < left[-1] < 64 + rounding, "strong noise passes, and is rounded"


def test_three_planes_are_coded_together() -> None:
    """A coder that passes everything on: noise stays white in each plane."""
    planes = np.moveaxis(_shot(3, 4.0).astype(np.float64), 2, 0)
    powers = np.stack([block_power(plane) for plane in planes])
    floors = jpeg_floors(planes, powers, lambda colours: colours, (0, 0))
    assert floors.shape == (len(VARIANCES), 3, SIDE, SIDE // 2 + 1)
    for variance, floor in zip(VARIANCES[3:8], floors[3:8], strict=True):
        assert [_high(plane) for plane in floor] == pytest.approx([variance] * 3, rel=0.12)


def test_between_strengths_the_floor_rises_evenly() -> None:
    floors = np.arange(len(VARIANCES), dtype=np.float64)[:, None, None] * np.ones((2, 2))
    assert added(None, 3.0) == (3.0, 1.0)
    found, rise = added(floors, 3.0)  # between 2 and 4, the fifth and the sixth
    np.testing.assert_allclose(found, 4.5)
    np.testing.assert_allclose(rise, 0.5)
    found, rise = added(floors, np.array([[0.25, 3.0], [64.0, 72.0]]))
    np.testing.assert_allclose(found, [[1, 4.5], [9, 9.25]])
    np.testing.assert_allclose(rise, [[0.25**-1 * 0.25 / 0.23, 0.5], [1 / 32, 1 / 32]], rtol=0.1)


def test_noise_is_no_stronger_than_what_is_there() -> None:
    floors = VARIANCES[:, None, None] * np.ones((SIDE, SIDE // 2 + 1))
    power = np.full((SIDE, SIDE // 2 + 1), 3.0)
    assert most_noise(power, floors) == pytest.approx(3.0)
    assert most_noise(100 * power, floors) == VARIANCES[-1]


def test_a_picture_that_nothing_is_taken_from_comes_back() -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (37, 51))
    waves = BlockWaves(picture)
    np.testing.assert_allclose(waves.weighed(np.ones((SIDE, SIDE // 2 + 1))), picture, atol=1e-9)
    np.testing.assert_allclose(waves.weighed(np.zeros((SIDE, SIDE // 2 + 1))), 0, atol=1e-12)


def test_quantisation_is_that_of_grey_jpegs() -> None:
    picture = cv2.resize(grey(_shot(4, 3.0)), (88, 64)).round()
    coded = cv2.imencode(".jpg", picture.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    found = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.float64)
    away = np.abs(quantised(picture, standard(LUMA, 80).astype(float)) - found)
    changed = np.abs(picture - found)
    assert away.mean() < 0.25 * changed.mean(), "but for coefficients near halves of a step"


@pytest.mark.parametrize(("quality", "seen"), [(95, True), (85, True), (75, False)])
def test_noise_of_flat_parts_is_that_of_before_jpeg(quality: int, seen: bool) -> None:
    """At 75 fine steps are ten times as large as the noise: what is tried out hangs on luck."""
    flat = np.full((160, 160, 3), 120.0) + np.linspace(0, 20, 160)[:, None]
    noisy = flat + np.random.default_rng(5).normal(0, 5, flat.shape)
    coded = grey(roundtrip_quality(np.clip(noisy.round(), 0, 255).astype(np.uint8), quality))
    variance, error = noise_before_jpeg(coded, standard(LUMA, quality))
    assert variance == pytest.approx(25 * float(np.square([0.299, 0.587, 0.114]).sum()), rel=0.25)
    assert seen_through(variance, error, standard(LUMA, quality)) == seen


def test_clipped_parts_are_not_taken_for_quiet_ones() -> None:
    picture = np.full((160, 160, 3), 120.0) + np.random.default_rng(5).normal(0, 5, (160, 160, 3))
    picture[:80] = 255
    coded = grey(roundtrip_quality(np.clip(picture.round(), 0, 255).astype(np.uint8), 90))
    variance, _ = noise_before_jpeg(coded, standard(LUMA, 90))
    assert variance == pytest.approx(25 * float(np.square([0.299, 0.587, 0.114]).sum()), rel=0.3)


def test_what_is_known_of_noise_goes_with_the_spectrum() -> None:
    """(0.299^2 + 0.587^2 + 0.114^2) 4^2 = 7.2 in luma; without JPEG, or behind steps that hide it,
    noise is taken for white.
    """
    noisy = _shot(5, 4.0)
    found = measure(roundtrip_quality(noisy, 95), standard(LUMA, 95))
    assert found.floors is not None
    assert found.noise == pytest.approx(7.2, rel=0.25)
    assert 0 < found.noise_error < 1
    assert measure(noisy).floors is None
    assert measure(roundtrip_quality(noisy, 50), standard(LUMA, 50)).floors is None


def test_noise_where_nothing_is_flat_is_not_trusted() -> None:
    texture = cv2.GaussianBlur(np.random.default_rng(6).normal(0, 300, (160, 160)), (0, 0), 1.5)
    picture = np.clip(128 + texture[..., None].repeat(3, 2), 0, 255).round().astype(np.uint8)
    coded, table = roundtrip_quality(picture, 90), standard(LUMA, 90)
    variance, error = noise_before_jpeg(grey(coded), table)
    assert error > 0.7
    assert not seen_through(variance, error, table)
    assert measure(coded, table).floors is None


def test_painted_photographs_are_measured() -> None:
    """Half of it is one colour: power that is exactly 0 divides nothing."""
    painted = np.zeros((96, 96, 3), np.uint8)
    painted[:, 48:] = 200
    found = measure(painted, standard(LUMA, 90))
    assert np.isfinite(found.power).all()
    floors = floors_of(grey(painted), found.power, standard(LUMA, 90), (0, 0))
    assert np.isfinite(floors).all()
    assert np.isfinite(most_noise(found.power, floors))

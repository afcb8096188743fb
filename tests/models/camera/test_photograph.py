"""Spectra, noise and what JPEG changed, against what was put in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE, block_power
from pairmill.models.camera.enlarged import SAMPLES, _transform, enlarged
from pairmill.models.camera.photograph import (
    ROUNDING_OF_COLOUR,
    jpeg_distortion,
    measure,
)
from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernels import gaussian_kernel
from pairmill.models.functional.noise_floor import ROUNDING, noise_floor
from pairmill.models.functional.resize import resize
from pairmill.pipeline.compression.tables import LUMA, standard
from tests.support.cameras import kernel_of, photograph_by
from tests.support.photographed import scene, shoot

SHARP = gaussian_kernel(17, 1.0, 1.0, 0, 8.5)


def test_white_noise_has_its_variance_everywhere() -> None:
    noise = np.random.default_rng(0).normal(0, 3, (257, 391))
    power = block_power(noise, SIDE)
    assert power.shape == (32, 17)
    inside = power[3:-2, 3:]
    assert inside.mean() == pytest.approx(9, rel=0.02)
    assert inside.min() > 7
    assert inside.max() < 11


def test_a_wave_lies_in_its_cell() -> None:
    """4 waves to a block of 32 along the columns, of amplitude 10: half its square in one cell."""
    wave = 10 * np.cos(2 * np.pi * np.arange(256) / 8) * np.ones((256, 1))
    power = block_power(wave, SIDE)
    assert int(power.argmax()) == 4


def test_the_noise_of_flat_parts() -> None:
    rng = np.random.default_rng(1)
    assert noise_floor(128 + rng.normal(0, 2, (160, 160))) == pytest.approx(4, rel=0.25)
    assert noise_floor(np.full((64, 64), 7.0)) == ROUNDING


@pytest.mark.parametrize(("quality", "noise"), [(85, 0.0), (85, 4.0), (95, 0.0), (95, 4.0)])
def test_jpegs_distortion_is_foreseen(quality: int, noise: float) -> None:
    """Where it matters (a tenth of the power and less than all of it), within 40 per cent."""
    before = grey(shoot(0, SHARP, noise=noise))
    after = grey(shoot(0, SHARP, noise=noise, quality=quality))
    true = block_power(after - before, SIDE)
    power = block_power(after, SIDE)
    foreseen = jpeg_distortion(after, standard(LUMA, quality).astype(float), SIDE)
    matters = (true > 0.1 * power) & (true < 0.6 * power)
    assert matters.any()
    ratio = np.log(foreseen[matters] / true[matters])
    assert abs(ratio.mean()) < 0.4


def test_the_phase_of_the_blocks_counts() -> None:
    photograph = shoot(0, SHARP, quality=60)
    table = standard(LUMA, 60)
    whole = measure(photograph, table).distortion
    moved = measure(photograph[3:, 5:], table, (3, 5)).distortion
    wrong = measure(photograph[3:, 5:], table).distortion
    assert np.abs(np.log(moved / whole)).max() < 0.1
    assert np.abs(np.log(wrong / whole)).max() > 0.15


def _soft(width: float, channels: int) -> NDArray[np.uint8]:
    """Texture everywhere, and nothing finer than a blur of `width` leaves, in 8 bits."""
    white = np.random.default_rng(3).normal(0, 80 * width, (320, 320, channels))
    soft = cv2.GaussianBlur(white, (0, 0), width).reshape(320, 320, channels)
    levels = np.clip(np.rint(128 + 0.6 * soft), 0, 255).astype(np.uint8)
    return np.broadcast_to(levels, (320, 320, 3))


def test_rounding_is_less_noise_in_luma_than_in_its_channels() -> None:
    """1 / 12 in each of R, G and B; (0.299^2 + 0.587^2 + 0.114^2) / 12 = 0.037 in their luma."""
    assert pytest.approx(0.0372, abs=1e-4) == ROUNDING_OF_COLOUR
    assert measure(_soft(3, 3)).noise == pytest.approx(ROUNDING_OF_COLOUR, rel=0.1)
    assert measure(_soft(3, 1)).noise == pytest.approx(ROUNDING, rel=0.1)


def test_noise_is_no_more_than_the_least_power() -> None:
    """Even the flattest parts of it show more than there is."""
    photograph = _soft(1.2, 3)
    assert noise_floor(grey(photograph)) > 1.5 * ROUNDING
    assert measure(photograph).noise == pytest.approx(ROUNDING_OF_COLOUR, rel=0.1)


def test_what_was_enlarged_by_four_has_nothing_halfway_up() -> None:
    photograph = photograph_by(kernel_of(2.5), 0, 96, 128, noise=0)
    enlarged = cv2.resize(photograph, (512, 384), interpolation=cv2.INTER_CUBIC)
    assert measure(enlarged).empty
    assert not measure(photograph).empty
    assert not measure(photograph_by(kernel_of(3.0), 0, noise=0)).empty


def test_too_small_photographs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sides of 64 pixels at least, got \(63, 80\)"):
        measure(np.zeros((63, 80, 3), np.uint8))


@pytest.mark.parametrize("ratio", [1.5, 3.0, 1.25])
def test_enlargements_are_told_by_their_ratio(ratio: float) -> None:
    small = scene(0)[:240, :240]
    side = round(240 * ratio)
    large = grey(np.clip(resize(small, side, side), 0, 255).astype(np.uint8))
    found = enlarged(large, block_power(large, SIDE))
    assert found == pytest.approx(ratio, rel=0.03)


@pytest.mark.parametrize("number", range(6))
def test_photographs_are_not_called_enlarged(number: int) -> None:
    photograph = grey(shoot(number, SHARP, noise=2, quality=90))
    assert enlarged(photograph, block_power(photograph, SIDE)) == 1


@pytest.mark.parametrize("length", [97, 2046, 4801])
def test_the_transform_of_any_length_is_the_plain_one(length: int) -> None:
    values = np.random.default_rng(length).standard_normal(length)
    waves = np.exp(-2j * np.pi * np.outer(np.linspace(0, 0.5, SAMPLES), np.arange(length)))
    np.testing.assert_allclose(_transform(values), np.abs(waves @ values), atol=1e-9)

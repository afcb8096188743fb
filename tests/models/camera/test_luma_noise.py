"""The noise of luma before JPEG, against noise that was put in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import COARSE, FINE
from pairmill.models.camera.luma_noise import behind_mosaic, noise_before_jpeg
from pairmill.models.camera.photograph import measure
from pairmill.models.functional.camera import demosaic, mosaic
from pairmill.models.functional.chroma import grey
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.compression.tables import LUMA, standard


@pytest.mark.parametrize(("quality", "seen"), [(95, True), (85, True), (75, False)])
def test_noise_of_flat_parts_is_that_of_before_jpeg(quality: int, seen: bool) -> None:
    """At 75 fine steps are ten times as large as the noise: what is tried out hangs on luck."""
    flat = np.full((160, 160, 3), 120.0) + np.linspace(0, 20, 160)[:, None]
    noisy = flat + np.random.default_rng(5).normal(0, 5, flat.shape)
    coded = grey(roundtrip_quality(np.clip(noisy.round(), 0, 255).astype(np.uint8), quality))
    found = noise_before_jpeg(coded, standard(LUMA, quality))
    assert found.variance == pytest.approx(
        25 * float(np.square([0.299, 0.587, 0.114]).sum()), rel=0.25
    )
    assert found.seen_through(standard(LUMA, quality)) == seen


def test_blocks_are_those_of_jpeg_wherever_a_photograph_starts() -> None:
    """0.94 of the noise; on other blocks than JPEG's, or rows for columns, 0.77."""
    noisy = 120 + np.random.default_rng(5).normal(0, 5, (640, 640, 3))
    coded = grey(roundtrip_quality(noisy.round().astype(np.uint8), 85))
    for part, phase in ((coded, (0, 0)), (coded[3:, 5:], (3, 5))):
        found = noise_before_jpeg(part, standard(LUMA, 85), phase)
        assert found.variance == pytest.approx(25 * 0.447, rel=0.1)


def test_painted_parts_have_no_noise_that_is_seen() -> None:
    painted = np.full((96, 96, 3), 120, np.uint8)
    painted[:, 48:] = 140
    table = standard(LUMA, 100)
    assert not noise_before_jpeg(grey(painted), table).seen_through(table)


def test_clipped_parts_are_not_taken_for_quiet_ones() -> None:
    picture = np.full((160, 160, 3), 120.0) + np.random.default_rng(5).normal(0, 5, (160, 160, 3))
    picture[:80] = 255
    coded = grey(roundtrip_quality(np.clip(picture.round(), 0, 255).astype(np.uint8), 90))
    found = noise_before_jpeg(coded, standard(LUMA, 90))
    assert found.variance == pytest.approx(
        25 * float(np.square([0.299, 0.587, 0.114]).sum()), rel=0.3
    )


def test_noise_where_nothing_is_flat_is_not_trusted() -> None:
    texture = cv2.GaussianBlur(np.random.default_rng(6).normal(0, 300, (160, 160)), (0, 0), 1.5)
    picture = np.clip(128 + texture[..., None].repeat(3, 2), 0, 255).round().astype(np.uint8)
    coded, table = roundtrip_quality(picture, 90), standard(LUMA, 90)
    found = noise_before_jpeg(grey(coded), table)
    assert found.error > 0.7
    assert not found.seen_through(table)
    assert measure(coded, table).floors is None


def _flat(noise: NDArray[np.float64], quality: int) -> NDArray[np.uint8]:
    """A little shading under noise, through JPEG."""
    shading = 120 + np.linspace(0, 20, len(noise))[:, None, None]
    return roundtrip_quality(np.clip(np.rint(shading + noise), 0, 255).astype(np.uint8), quality)


@pytest.mark.parametrize("quality", [98, 92])
def test_noise_behind_a_mosaic_is_not_white(quality: int) -> None:
    """Taken for white, half of it would count as detail, and the lens as twice as sharp."""
    table = standard(LUMA, quality)
    for seed in range(4):
        plain = np.random.default_rng(seed).normal(0, 6, (160, 160, 3))
        raw = mosaic(128 + plain * (2.0, 1.0, 1.75), "rggb")
        for noise, white in ((plain, True), (demosaic(raw, "rggb") - 128, False)):
            coded = _flat(noise, quality)
            found = noise_before_jpeg(grey(coded), table)
            assert found.white == found.seen_through(table) == white
            assert (measure(coded, table).floors is not None) == white


def test_a_mosaic_leaves_coarse_noise() -> None:
    """Of demosaicked noise, 160,000 cosines of each order: coarse 2.07 times the fine, the last of
    all a 25th.
    """
    found = behind_mosaic()
    assert found[FINE].mean() == pytest.approx(1)
    assert found[COARSE].mean() == pytest.approx(2.07, abs=0.02)
    assert found[63] == pytest.approx(0.04, abs=0.01)

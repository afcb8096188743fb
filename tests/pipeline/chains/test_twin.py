"""The noise of a camera before JPEG."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.camera.flat_blocks import blocks_of
from pairmill.models.camera.levels import LevelNoise
from pairmill.pipeline.chains.twin import curve_of, line
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.tables import CHROMA, LUMA, Encoder, standard
from pairmill.schemas.chain_fit import Curve


def encoder(quality: int) -> Encoder:
    return Encoder(standard(LUMA, quality), standard(CHROMA, quality), "420")


def ramp(shot: float, read: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Eight flat levels with sensor noise, (256, 256, 3)."""
    rng = np.random.default_rng(1)
    levels = np.repeat(np.linspace(20, 230, 8), 32)[:, None, None] * np.ones((1, 256, 3))
    noise = rng.standard_normal(levels.shape) * np.sqrt(shot * levels + read**2)
    return np.clip(np.rint(levels + noise), 0, 255).astype(np.uint8)


def test_shot_and_read_noise_are_found() -> None:
    curve = curve_of([blocks_of(ramp(0.1, 2.0))])
    assert curve.shot == pytest.approx(0.1, rel=0.15)
    assert curve.read == pytest.approx(2.0, rel=0.25)


@pytest.mark.parametrize("quality", [85, 92])
def test_noise_before_jpeg_is_found(quality: int) -> None:
    """At quality 85 a third of noise of sigma 3 is lost, at 92 a fifth."""
    image = compress(ramp(0.0, 3.0), encoder(quality), (0, 0))
    bare = curve_of([blocks_of(image)])
    found = curve_of([blocks_of(image, encoder(quality).luma)])
    assert abs(found.read - 3) < abs(bare.read - 3)
    assert found.read == pytest.approx(3, rel=0.1)


def test_without_a_flat_block_there_is_no_noise() -> None:
    assert curve_of([]) == Curve(shot=0, read=0)


def test_no_curve_falls_with_brightness() -> None:
    curve = line([LevelNoise(30.0, 4.0, 40), LevelNoise(200.0, 2.0, 40)])
    assert curve.shot == 0
    assert 2 < curve.read < 4

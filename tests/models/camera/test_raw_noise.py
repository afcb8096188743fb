"""Noise on the sensor, from that of developed photographs."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.camera.flat_blocks import WHITE, blocks_of
from pairmill.models.camera.levels import LevelNoise
from pairmill.models.camera.raw_noise import left_of_white, raw_noise, variances
from pairmill.models.functional import camera
from pairmill.models.functional.chroma import LUMA
from pairmill.schemas.ops.camera import IDENTITY

GAINS = (2.0, 1.0, 1.75)
SHOT, READ = 0.3, 1.5
LEVELS = np.array([40.0, 80, 120, 160, 200, 230])


def developed(level: float, seed: int = 1) -> np.ndarray:
    """A grey wall by a sensor of variance SHOT * raw + READ^2, (256, 256, 3) uint8."""
    raw = camera.unprocess(np.full((256, 256, 3), level), GAINS, IDENTITY, with_tone=True)
    noise = np.random.default_rng(seed).standard_normal(raw.shape)
    raw = raw + noise * np.sqrt(SHOT * raw + READ**2)
    seen = camera.demosaic(camera.mosaic(raw, "grbg"), "grbg")
    return np.rint(camera.process(seen, GAINS, IDENTITY, with_tone=True)).astype(np.uint8)


def curves(weights: np.ndarray) -> list[list[LevelNoise]]:
    """What variances say of the sensor, per row of weights."""
    return [
        [
            LevelNoise(float(level), float((row @ [SHOT, READ**2]) ** 0.5), 40)
            for level, row in zip(
                LEVELS,
                variances(LEVELS, np.tile(one, (len(LEVELS), 1)), GAINS, tone=True),
                strict=True,
            )
        ]
        for one in weights
    ]


@pytest.mark.parametrize("level", [60, 120, 200])
def test_developed_walls_have_the_variance_that_is_said(level: float) -> None:
    measured = np.sqrt(blocks_of(developed(level)).noise.mean(0))
    said = variances(np.full(3, level), np.eye(3), GAINS, tone=True) @ [SHOT, READ**2]
    assert measured == pytest.approx(np.sqrt(said), rel=0.03)


def test_what_a_mosaic_leaves_of_white_noise() -> None:
    """Of the variance of each channel in fine cosines; all colours take part in each."""
    left = left_of_white()
    assert np.diag(left.sum(2)) == pytest.approx([0.642, 0.584, 0.642], abs=0.001)
    assert (np.einsum("iic->ic", left) > 0.01).all()
    assert left == pytest.approx(left.swapaxes(0, 1))


def test_shot_and_read_noise_come_back() -> None:
    found = raw_noise(curves(np.eye(3)))
    assert found is not None
    assert (found.red_gain, found.blue_gain, found.tone) == (2.0, 1.75, True)
    assert found.shot == pytest.approx(SHOT, rel=1e-3)
    assert found.read == pytest.approx(READ, rel=1e-3)
    assert found.misfit < 1e-3


def test_luma_alone_is_enough_where_white_balance_is_usual() -> None:
    (curve,) = curves(LUMA[None] / np.sqrt(WHITE))
    found = raw_noise([curve, curve, curve])
    assert found is not None
    assert found.shot == pytest.approx(SHOT, rel=1e-3)
    assert found.read == pytest.approx(READ, rel=1e-3)


def test_without_a_level_there_is_nothing() -> None:
    assert raw_noise([[], [], []]) is None


def test_one_level_of_one_channel_is_met() -> None:
    found = raw_noise([[], [LevelNoise(120.0, 4.0, 9)], []])
    assert found is not None
    assert found.misfit < 1e-6

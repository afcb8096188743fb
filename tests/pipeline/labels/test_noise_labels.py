"""Noise and codecs of labels: against what programs do to many images."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.compression.tables import CHROMA, LUMA, Encoder, standard
from pairmill.pipeline.labels.codec import of_distance, quality_of
from pairmill.pipeline.labels.crop import CropLabels, gains_of
from pairmill.pipeline.labels.noise import constant
from pairmill.pipeline.ops.apply import apply
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.codecs import Jpeg, JpegXl, Video, Webp
from pairmill.schemas.ops.noise import (
    BlockNoise,
    GaussianNoise,
    PoissonNoise,
    ShotReadNoise,
    SpeckleNoise,
)
from pairmill.schemas.ops.pooled import (
    Inject,
    InjectByLevel,
    NearPlacement,
    Placement,
    PooledJpeg,
)
from pairmill.schemas.ops.resize import BicubicDown, Quantise, Resize
from pairmill.schemas.program import Program

LR = (21, 18)
KEY = "0" * 32
DOWN = BicubicDown(scale=2)
PATCHES, GAINS, CODECS = "a" * 64, "b" * 64, "c" * 64
SOFT = Blur(kernel=GaussianKernel(size=7, sigma_x=1.2, sigma_y=0.8))
COVARIANCE = ((90.0, 30.0, 0.0), (30.0, 60.0, 0.0), (0.0, 0.0, 30.0))
SPREAD = (3.0, 9.0)
"""Standard deviations of the two patches."""


def assets() -> Assets:
    """Two patches of 16 x 16, one three times as strong; gains that double it at white."""
    noise = np.random.default_rng(3).standard_normal((2, 16, 16, 3))
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    noise /= noise.std(axis=(1, 2), keepdims=True)
    noise *= np.array(SPREAD)[:, None, None, None]
    gains = np.tile(np.append(1 + np.arange(256) / 255, 128), (2, 3, 1))
    return Assets({PATCHES: noise.astype(np.float32), GAINS: gains.astype(np.float32)})


def crops(kind: type[Placement], **more: object) -> tuple[Placement, ...]:
    """The two patches side by side, cross-faded over 8 columns."""
    base = {"patch_top": 0, "patch_left": 0, "flip_rows": False, "flip_columns": True, **more}
    rows = {"top": 0, "height": 16}
    return tuple(
        kind.model_validate({**base, **rows, "index": n, "left": 8 * n, "width": 16 - 6 * n})
        for n in range(2)
    )


LAWS: dict[str, tuple[Op, ...]] = {
    "white": (DOWN, GaussianNoise(sigma=6, key=KEY)),
    "correlated": (DOWN, GaussianNoise(sigma=0, mode="correlated", covariance=COVARIANCE, key=KEY)),
    "speckle": (DOWN, SpeckleNoise(sigma=0.05, key=KEY)),
    "Poisson": (DOWN, PoissonNoise(peak=400, strength=1.2, key=KEY)),
    "grey Poisson": (DOWN, PoissonNoise(peak=300, grey=True, key=KEY)),
    "levels": (DOWN, PoissonNoise(peak="levels", key=KEY)),
    "sensor": (DOWN, ShotReadNoise(shot=0.4, read=2, key=KEY)),
    "before a resize": (SOFT, GaussianNoise(sigma=20, key=KEY), SOFT, DOWN),
    "twice": (GaussianNoise(sigma=14, key=KEY), DOWN, GaussianNoise(sigma=4, key="1" * 32)),
    "at a size between": (
        *(Resize(height=29, width=27, method="bilinear"), SpeckleNoise(sigma=0.1, key=KEY)),
        Resize(height=LR[0], width=LR[1], method="area"),
    ),
    "on the sensor": (
        *(DOWN, Quantise(), Unprocess(red_gain=1.3, blue_gain=1.2)),
        *(ShotReadNoise(shot=0.4, read=1, key=KEY), Mosaic(), Process(red_gain=1.3, blue_gain=1.2)),
    ),
}
"""Noise whose draws differ with the key."""


@pytest.mark.parametrize("name", LAWS)
def test_it_is_how_far_lr_of_other_keys_are_apart(name: str) -> None:
    program = Program(scale=2, ops=(*LAWS[name], Quantise()))
    hr = slope()
    lr = np.stack([apply(rekeyed(program, n), hr, Assets()) for n in range(80)]).astype(float)
    found = np.sqrt((lr.var(axis=0, ddof=1) - 1 / 12).mean(axis=2)) / 255
    told = noise_of(program, hr, Assets())
    inner = (slice(4, -4), slice(4, -4))
    loose = 0.2 if name == "on the sensor" else 0.06  # channels of a mosaic mix
    for half in (slice(0, 5), slice(5, None)):  # darker and brighter
        ratio = told[inner][:, half].mean() / found[inner][:, half].mean()
        assert 1 - loose < ratio < 1 + loose
    white = name in ("white", "correlated", "before a resize", "twice")
    sigma = constant(program, gains_of(program, Assets(), hr.shape[:2]))
    assert (sigma is not None) == white
    if sigma is not None:
        np.testing.assert_allclose(told, sigma, rtol=1e-5)


def noise_of(program: Program, hr: NDArray[np.uint8], pools: Assets) -> NDArray[np.float32]:
    """The noise of a whole tile."""
    shape = hr.shape[0], hr.shape[1]
    gains = gains_of(program, pools, shape)
    return CropLabels(program, pools, shape, gains, hr, (0, 0)).noise()


def slope() -> NDArray[np.uint8]:
    """HR that brightens from left to right, from 60 to 200, with some texture."""
    rng = np.random.default_rng(1)
    base = np.linspace(60, 200, 2 * LR[1])[None, :, None] + np.array([-10, 0, 10])
    texture = rng.integers(-3, 4, (2 * LR[0], 2 * LR[1], 3))
    return np.clip(base + texture, 0, 255).astype(np.uint8)


def rekeyed(program: Program, number: int) -> Program:
    ops = [
        op.with_(key=f"{number:031x}{op.key[0]}") if hasattr(op, "key") else op
        for op in program.ops
    ]
    return program.with_(ops=[op.model_dump() for op in ops])


def test_blocks_have_their_own_sigma() -> None:
    program = Program(scale=2, ops=(DOWN, BlockNoise(block=8, sigma=(0, 40), key=KEY), Quantise()))
    hr, size = np.full((2 * LR[0], 2 * LR[1], 3), 128, np.uint8), (8, 5)
    told = noise_of(program, hr, Assets())
    lr = apply(program, hr, Assets()).astype(float)
    for top, left in ((0, 0), (8, 0), (0, 8)):
        block = (slice(top, top + 8), slice(left, left + 8))
        assert np.ptp(told[block]) == 0
        assert told[block].mean() * 255 == pytest.approx(lr[block].std(), rel=0.2, abs=1)
    part = CropLabels(program, Assets(), (42, 36), {1: 1.0}, hr[6:22, 8:18], (3, 4)).noise()
    np.testing.assert_array_equal(part, told[3 : 3 + size[0], 4 : 4 + size[1]])


def test_mined_noise_has_the_spread_of_its_patches() -> None:
    """3 and 9 levels side by side, at strength 2; between them variances, not deviations, fade."""
    program = Program(
        scale=2,
        ops=(DOWN, Inject(pool=PATCHES, strength=2, placements=crops(Placement)), Quantise()),
    )
    hr = np.full((32, 36, 3), 128, np.uint8)
    told = 255 * noise_of(program, hr, assets())
    np.testing.assert_allclose(told[:, :8], 6, rtol=1e-3)
    np.testing.assert_allclose(told[:, 16:], 18, rtol=1e-3)
    assert (np.diff(told[0, 7:17]) > 0).all()
    assert np.all(told[0, 8:16] ** 2 < 18**2)


def test_noise_by_level_is_as_strong_as_the_level_says() -> None:
    """A gain of 1 + level / 255: at 51 of 255 it is 1.2."""
    op = InjectByLevel(
        pool=PATCHES, levels=GAINS, strength=1, placements=crops(NearPlacement, others=())
    )
    program = Program(scale=2, ops=(DOWN, op, Quantise()))
    for level, gain in ((51, 1.2), (204, 1.8)):
        hr = np.full((32, 36, 3), level, np.uint8)
        told = 255 * noise_of(program, hr, assets())
        np.testing.assert_allclose(told[:, :8], 3 * gain, rtol=1e-3)


def test_the_last_codec_counts() -> None:
    mined = Encoder(standard(LUMA, 50), standard(CHROMA, 40), "420")
    pools = Assets({CODECS: mined.row()[None]})
    for ops, quality in (
        ((DOWN, Quantise()), None),
        ((DOWN, Jpeg(quality=30), Webp(quality=80)), 80),
        ((DOWN, Webp(quality=80), Jpeg(quality=30)), 30),
        ((DOWN, Video(codec="h264", crf=17)), 100 * 34 / 51),
        ((DOWN, JpegXl(distance=1.0)), 90),
        ((DOWN, PooledJpeg(pool=CODECS, index=0)), 50),
    ):
        assert quality_of(Program(scale=2, ops=ops), pools) == quality
    assert of_distance(0.1) == 100
    assert of_distance(15.0) == pytest.approx(10.4, abs=0.1)

"""One list, all laws: what every degrader promises, at every scale that it allows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from models.functional.resize import bicubic_up
from pipeline import degraders
from pipeline.apply import apply, intermediates
from pipeline.degraders import DEGRADERS
from pipeline.rng import stream
from schemas.degraders.bicubic import BicubicConfig
from schemas.degraders.realsr import RealSrConfig
from schemas.program import Program
from tests.alignment import shift
from tests.make import photograph
from tests.pools import SCALES, pools

CONFIGS = {"bicubic": BicubicConfig(), "realsr": RealSrConfig()}
QUIET = {"realsr": RealSrConfig(strength=(0, 0))}
CASES = [("bicubic", scale) for scale in (2, 3, 4, 8)] + [("realsr", scale) for scale in SCALES]
LR_SHAPES = [(1, 1), (1, 7), (8, 9), (37, 31), (40, 41), (71, 24)]
"""Smaller than an overlap, smaller than a noise patch (32), of its size, larger."""

pytestmark = pytest.mark.parametrize(("kind", "scale"), CASES)


def draw(kind: str, scale: int, key: str = "a", lr_shape: tuple[int, int] = (37, 31)) -> Program:
    degrader = degraders.build(CONFIGS[kind], scale, pools(scale)[0])
    return degrader.draw(stream(7, "draw", key), (lr_shape[0] * scale, lr_shape[1] * scale))


def test_drawing_depends_on_the_stream_alone(kind: str, scale: int) -> None:
    assert draw(kind, scale) == draw(kind, scale)
    different = {draw(kind, scale, f"key-{number}").content_digest() for number in range(8)}
    assert len(different) == (1 if kind == "bicubic" else 8)


def test_programs_survive_json(kind: str, scale: int) -> None:
    program = draw(kind, scale)
    again = Program.model_validate_json(program.canonical_json())
    assert again == program
    assert again.canonical_json() == program.canonical_json()
    assert program.scale == scale
    assert program.ops[-1].op == "quantise"
    known = pools(scale)[0]
    assert set(program.pools()) == (set() if kind == "bicubic" else {known.kernels.digest, known.noise.digest})


@pytest.mark.parametrize("lr_shape", LR_SHAPES)
def test_sizes_and_repeatability(kind: str, scale: int, lr_shape: tuple[int, int]) -> None:
    hr = photograph(1, lr_shape[0] * scale, lr_shape[1] * scale)
    before, program = hr.copy(), draw(kind, scale, lr_shape=lr_shape)
    first, second = (apply(program, hr, pools(scale)[1]) for _ in range(2))
    assert first.shape == (*lr_shape, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(hr, before)            # the HR tile is left alone
    turned = np.asfortranarray(hr)
    np.testing.assert_array_equal(apply(program, turned, pools(scale)[1]), first)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_flat_images_keep_their_level(kind: str, scale: int, level: int) -> None:
    """Saturated levels lose the half of the noise that is clipped; the others keep their mean."""
    hr = np.full((40 * scale, 31 * scale, 3), level, np.uint8)
    lr = apply(draw(kind, scale, lr_shape=(40, 31)), hr, pools(scale)[1])
    if kind == "bicubic":
        assert (lr == level).all()
    else:
        deviation = lr.astype(float) - level
        assert deviation.std() > 1
        assert (abs(deviation.mean()) < 0.05) == (level == 128)


def test_noise_free_part_stays_close_to_bicubic(kind: str, scale: int) -> None:
    hr = np.repeat(photograph(3, 24 * scale, 31 * scale, noise=0).mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    lr = apply(draw(kind, scale, lr_shape=(24, 31)), hr, pools(scale)[1])
    blocks = hr.reshape(24, scale, 31, scale, 3).mean(axis=(1, 3))
    assert np.corrcoef(lr.ravel(), blocks.ravel())[0, 1] > 0.8


def test_one_by_one_ops_give_what_fused_ops_give(kind: str, scale: int) -> None:
    program, (_, assets) = draw(kind, scale), pools(scale)
    hr = photograph(4, 37 * scale, 31 * scale)
    *_, (_, image) = intermediates(program, hr, assets)
    np.testing.assert_array_equal(image, apply(program, hr, assets))


def test_lr_enlarged_lies_on_hr(kind: str, scale: int) -> None:
    """Alignment: less than 0.1 HR pixels between HR and the bicubically enlarged LR, for several draws without noise."""
    side, (known, assets) = 64 * scale, pools(scale)
    grain = gaussian_filter(np.random.default_rng(scale).standard_normal((side, side, 3)), (0.7 * scale, 0.7 * scale, 0))
    hr = np.clip(128 + grain * (40 / grain.std()), 0, 255).astype(np.uint8)
    config = QUIET.get(kind, CONFIGS[kind])
    for key in ("a", "b", "c"):
        program = degraders.build(config, scale, known).draw(stream(7, "draw", key), (side, side))
        found = shift(hr.mean(axis=2), bicubic_up(apply(program, hr, assets), scale).mean(axis=2), scale)
        assert max(map(abs, found)) < 0.1, found


def test_the_list_is_complete(kind: str, scale: int) -> None:
    assert set(CONFIGS) == set(DEGRADERS) == {case for case, _ in CASES}

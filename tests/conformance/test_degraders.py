"""One list, all properties: what every degrader promises, with its published settings, at every
scale that it allows.

The list is the table of degraders itself; a new one needs a line here only if its settings have no
default."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter

from pairmill.models.functional.resize import bicubic_up
from pairmill.pipeline import degraders
from pairmill.pipeline.degraders import DEGRADERS
from pairmill.pipeline.ops.apply import apply, intermediates
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.translation import METHODS
from tests.support.alignment import shift
from tests.support.make import photograph
from tests.support.pools import pools

OPS = [
    {
        "op": "blur",
        "kernel": {"shape": "gaussian", "sigma_x": [0.5, 2], "sigma_y": [0.5, 2], "angle": [0, 3]},
    },
    {"op": "subsample", "scale": 2},
    {"op": "gaussian_noise", "sigma": [2, 9], "mode": ["colour", "grey", "correlated"]},
    {"op": "resize", "factor": [0.7, 1.3], "method": ["area", "bicubic", "bilinear", "nearest"]},
    {"op": "jpeg", "quality": [60, 95], "phase": [[0, 15], [0, 15]]},
]
SETTINGS: dict[str, dict[str, Any]] = {"custom": {"ops": OPS}}
"""Settings of degraders that have no default; of all others nothing is said here."""
FROM_ITEMS = {"realsr", "kmsr"}
"""Degraders that draw from the items of `pools`."""
PULLED = {"pdm", "redegnet", "aligned", *FROM_ITEMS, *METHODS}
"""Degraders that draw from pools or checkpoints."""
FEW = {"bicubic": 1, "kmsr": 4}
"""Fewest programs of eight draws that differ: without noise, a kernel of some is all that is
drawn."""
CLEAN = {"bicubic", "ikc", "kmsr"}
"""Degraders without noise or compression: a flat image stays what it is."""
NOISY = {"realsr", "bsrgan", "realesrgan", "srmd", "block_noise", "custom"}
"""Degraders with zero-mean noise."""
SHARP = {"bicubic", "realsr", "kmsr", "ikc", "srmd"}
"""Degraders that downscale once, so that the phases of HR survive."""
LIKENESS = {"bicubic": 0.95, "codec": 0.9, "realsr": 0.8, "kmsr": 0.8, "ikc": 0.8}
"""Smallest correlation with block means, the median of some draws; 0.4 for those that are
harsher."""
DRIFT = {"realsr": 0.05, "realesrgan": 20.0}
"""How far the mean of a mid-grey image may move, in intensity levels; 3 for all others. Real-ESRGAN
counts the levels of the image to choose its photons: a flat one has one level, one photon, and
noise that clipping makes lopsided."""
LR_SHAPES = [(1, 1), (1, 7), (8, 9), (37, 31)]
POOL_SHAPES = [*LR_SHAPES, (40, 41), (71, 24)]
"""Smaller than an overlap, smaller than a noise patch (32), of its size, larger."""


def settings(kind: str) -> DegraderBase:
    return CONFIGS[kind].model_validate(SETTINGS.get(kind, {}))


def allowed(kind: str, scale: int) -> bool:
    recipe = {"name": "a", "scale": scale, "images": {"real": ["x"]}, "tiles": {"size": 48}}
    try:
        Recipe.model_validate(recipe | {"degraders": [settings(kind)]})
    except ValidationError:
        return False
    return True


KINDS = [kind for kind in DEGRADERS if kind not in PULLED - FROM_ITEMS]
CASES = [(kind, scale) for kind in KINDS for scale in (2, 3, 4, 8) if allowed(kind, scale)]
every_case = pytest.mark.parametrize(("kind", "scale"), CASES)


def draw(
    kind: str, scale: int, key: str | int = "a", lr_shape: tuple[int, int] = (37, 31)
) -> Program:
    degrader = degraders.build(settings(kind), scale, pools(scale)[0])
    return degrader.draw(stream(7, "draw", key), (lr_shape[0] * scale, lr_shape[1] * scale))


def run(program: Program, hr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return apply(program, hr, pools(program.scale)[1])


@every_case
def test_drawing_depends_on_the_stream_alone(kind: str, scale: int) -> None:
    assert draw(kind, scale) == draw(kind, scale)
    different = {draw(kind, scale, number).content_digest() for number in range(8)}
    assert len(different) >= FEW.get(kind, 8)


@every_case
def test_programs_survive_json_and_say_themselves(kind: str, scale: int) -> None:
    for number in range(20):
        program = draw(kind, scale, number)
        again = Program.model_validate_json(program.canonical_json())
        assert again == program
        assert again.canonical_json() == program.canonical_json()
        assert program.scale == scale
        assert all(program.words({}))
        assert len(program.canonical_json()) < (4000 if kind != "realsr" else 100_000)
        assert bool(program.pools()) == (kind in PULLED)


@every_case
def test_sizes_and_repeatability(kind: str, scale: int) -> None:
    for lr_shape in POOL_SHAPES if kind in PULLED else LR_SHAPES:
        hr = photograph(1, lr_shape[0] * scale, lr_shape[1] * scale)
        before, program = hr.copy(), draw(kind, scale, lr_shape=lr_shape)
        first, second = (run(program, hr) for _ in range(2))
        assert first.shape == (*lr_shape, 3)
        assert first.dtype == np.uint8
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(hr, before)  # the HR tile is left alone
        np.testing.assert_array_equal(run(program, np.asfortranarray(hr)), first)


@every_case
def test_many_draws_of_small_tiles_work(kind: str, scale: int) -> None:
    hr = photograph(2, 9 * scale, 11 * scale)
    for number in range(12):
        assert run(draw(kind, scale, number, (9, 11)), hr).shape == (9, 11, 3)


@every_case
def test_flat_images_keep_their_level(kind: str, scale: int) -> None:
    """Saturated levels lose the half of the noise that is clipped; the others keep their mean."""
    lr_shape = (40, 31)
    for level in (0, 1, 128, 255):
        hr = np.full((lr_shape[0] * scale, lr_shape[1] * scale, 3), level, np.uint8)
        lr = [
            run(draw(kind, scale, number, lr_shape), hr).astype(float) - level
            for number in range(3)
        ]
        if kind in CLEAN:
            assert all((deviation == 0).all() for deviation in lr)
        elif level == 128:
            assert abs(np.mean(lr)) < DRIFT.get(kind, 3)
        if kind in NOISY and level == 128:
            assert np.std(lr) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_is_recognised(kind: str) -> None:
    hr = np.repeat(
        photograph(3, 48, 62, noise=0).mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2
    )
    blocks = hr.reshape(24, 2, 31, 2, 3).mean(axis=(1, 3)).ravel()
    found = [
        np.corrcoef(run(draw(kind, 2, number, (24, 31)), hr).ravel(), blocks)[0, 1]
        for number in range(9)
    ]
    assert np.median(found) > LIKENESS.get(kind, 0.4), found


@every_case
def test_one_by_one_ops_give_what_fused_ops_give(kind: str, scale: int) -> None:
    hr = photograph(4, 19 * scale, 16 * scale)
    for number in range(2):
        program = draw(kind, scale, number, (19, 16))
        *_, (_, image) = intermediates(program, hr, pools(scale)[1])
        np.testing.assert_array_equal(image, run(program, hr))


SLOPE = 167.3
"""Intensity levels from border to border: no simple fraction of a side, so that rounding averages
out."""
MOVING = ("blur", "pooled_blur", "subsample", "bicubic_down", "resize", "unsharp_mask", "clip")


def geometry(program: Program) -> Program:
    """What a program does to places, without noise and codecs."""
    ops: list[Any] = [op for op in program.ops if op.op in MOVING]
    return Program.model_validate({"scale": program.scale, "ops": [*ops, {"op": "quantise"}]})


@every_case
def test_lr_lies_on_hr(kind: str, scale: int) -> None:
    """On a slope the level says the place: an LR pixel reads the centre of its s x s block, to less
    than 0.25 HR pixels."""
    lr_side = min(64, 256 // scale)
    side, inner = lr_side * scale, slice(lr_side // 4, -lr_side // 4)
    for axis in (0, 1):
        level = 40 + SLOPE * np.indices((side, side))[axis] / side
        hr = np.repeat(np.rint(level)[..., None], 3, axis=2).astype(np.uint8)
        for key in ("a", "b", "c", "d"):
            profile = run(geometry(draw(kind, scale, key, (lr_side, lr_side))), hr).mean(
                axis=(1 - axis, 2)
            )[inner]
            off = (profile - 40) * side / SLOPE - (
                scale * np.arange(lr_side)[inner] + (scale - 1) / 2
            )
            assert abs(off.mean()) < 0.25


@pytest.mark.parametrize(("kind", "scale"), [case for case in CASES if case[0] in SHARP])
def test_lr_enlarged_lies_on_hr(kind: str, scale: int) -> None:
    """Alignment: less than 0.1 HR pixels between HR and the bicubically upscaled LR, for several
    draws without noise."""
    hr = grain(scale)
    for key in ("a", "b", "c"):
        lr = run(geometry(draw(kind, scale, key, (64, 64))), hr)
        found = shift(hr.mean(axis=2), bicubic_up(lr, scale).mean(axis=2), scale)
        assert max(map(abs, found)) < 0.1, found


@lru_cache
def grain(scale: int) -> NDArray[np.uint8]:
    side = 64 * scale
    field = gaussian_filter(
        np.random.default_rng(scale).standard_normal((side, side, 3)), (0.7 * scale, 0.7 * scale, 0)
    )
    return np.clip(128 + field * (40 / field.std()), 0, 255).astype(np.uint8)


def test_the_list_is_complete() -> None:
    assert set(DEGRADERS) == set(CONFIGS)
    assert {kind for kind, _ in CASES} == set(KINDS)
    assert set(SETTINGS) <= set(DEGRADERS)
    for kind, config in CONFIGS.items():
        assert DEGRADERS[kind].__name__ + "Config" == config.__name__
        assert DEGRADERS[kind].__module__ == f"pairmill.pipeline.degraders.{kind}"

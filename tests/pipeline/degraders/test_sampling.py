"""Draws of IKC, SRMD, block noise and codecs against the published numbers, and the single draws
that all are made of."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import pytest

from pairmill.pipeline import degraders
from pairmill.pipeline.degraders import Pools
from pairmill.pipeline.degraders.sampling import (
    chance,
    integer,
    key,
    log_uniform,
    odd,
    shuffled,
    uniform,
    weighted,
)
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders import DegraderConfig
from pairmill.schemas.degraders.block_noise import BlockNoiseConfig
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.codec import CodecConfig
from pairmill.schemas.degraders.ikc import IkcConfig
from pairmill.schemas.degraders.realesrgan import RealEsrganConfig
from pairmill.schemas.degraders.srmd import SrmdConfig
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.ops.resize import Resize
from tests.support.sampling import N, drawn, ellipses, evenly, of, often, shares, whole


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_ikc(scale: int) -> None:
    programs = drawn(IkcConfig(), scale)
    assert {tuple(op.op for op in program.ops) for program in programs} == {
        ("blur", "bicubic_down", "quantise")
    }
    round_, oval = ellipses([program.ops[0] for program in programs])  # type: ignore[misc]
    assert not oval
    assert {kernel.size for kernel in round_} == {21}
    evenly((kernel.sigma_x for kernel in round_), 0.2, scale)


def test_ikc_options() -> None:
    programs = drawn(IkcConfig(noise=0.8, anisotropic=0.5))
    noise = [op.sigma for program in programs for op in of(program, GaussianNoise)]
    often(len(noise), 0.8)
    evenly(noise, 0, 20.4)
    kernels: list[Any] = [program.ops[0].kernel for program in programs]  # type: ignore[union-attr]
    oval = [kernel for kernel in kernels if kernel.angle != 0]
    often(len(oval), 0.5)
    evenly((kernel.sigma_x for kernel in oval), 0.2, 4)
    evenly((kernel.angle for kernel in oval), -pi, pi)
    free = np.array([k.sigma_y / k.sigma_x for k in oval if k.sigma_x < 4 / 3 and k.sigma_y > 0.2])
    clamped = [k for k in oval if k.sigma_y in (0.2, 4.0)]
    assert free.max() <= 3
    # P(3 u x < 0.2) + P(3 u x > 4), x ~ U(0.2, 4), u ~ U(0, 1), integrated over x.
    low = np.log(4 / 0.2) * 0.2 / 3 / 3.8
    high = ((4 - 4 / 3) - 4 / 3 * np.log(3)) / 3.8
    often(len(clamped), low + high, len(oval))


def test_srmd() -> None:
    programs = drawn(SrmdConfig())
    kernels: list[Any] = [program.ops[0].kernel for program in programs]  # type: ignore[union-attr]
    assert {program.ops[0].border for program in programs} == {"wrap"}  # type: ignore[union-attr]
    assert {kernel.size for kernel in kernels} == {15}
    long, short = (
        np.array([getattr(k, name) ** 2 for k in kernels]) for name in ("sigma_x", "sigma_y")
    )
    evenly(long, 0.1 - 1e-5, 10.1 + 1e-4)
    clear = long > 0.2
    evenly(((short - 0.1) / (long - 0.1))[clear], -1e-3, 1 + 1e-3)
    evenly((kernel.angle for kernel in kernels), 0, pi)
    noise = [op.sigma for program in programs for op in of(program, GaussianNoise)]
    often(len(noise), 0.9)
    evenly(noise, 0, 50)


def test_block_noise() -> None:
    programs = drawn(BlockNoiseConfig())
    assert {tuple(op.op for op in p.ops) for p in programs} == {
        ("block_noise", "clip", "blur", "bicubic_down", "quantise")
    }
    assert {(p.ops[0].block, p.ops[0].sigma) for p in programs} == {(8, (0.0, 75.0))}  # type: ignore[union-attr]
    assert len({p.ops[0].key for p in programs}) == N  # type: ignore[union-attr]
    evenly((p.ops[2].kernel.sigma_x for p in programs), 0.2, 4)  # type: ignore[union-attr]
    late = degraders.build(BlockNoiseConfig(added_to="lr"), 2, Pools()).draw(stream(1), (64, 64))
    assert [op.op for op in late.ops] == ["blur", "bicubic_down", "block_noise", "quantise"]


def test_codec() -> None:
    programs = drawn(CodecConfig())
    chains = [
        "+".join(getattr(op, "codec", op.op) for op in program.ops[1:]) for program in programs
    ]
    shares(
        chains,
        {
            "jpeg": 4,
            "jpeg+jpeg": 2,
            "webp": 1,
            "avif": 1,
            "jpeg_xl": 1,
            "h264": 0.25,
            "hevc": 0.25,
            "vp9": 0.25,
            "av1": 0.25,
        },
    )
    single = [
        program.ops[1] for program, chain in zip(programs, chains, strict=True) if chain == "jpeg"
    ]
    shares((op.quality for op in single), whole(30, 95))  # type: ignore[union-attr]
    shares((op.subsampling for op in single), {"420": 2, "444": 1})  # type: ignore[union-attr]
    shares((op.phase[0] for op in single), whole(0, 15))  # type: ignore[union-attr]


def test_numbers_are_short_and_stay_in_range() -> None:
    rng = stream(2)
    for _ in range(2000):
        for value in (uniform(rng, (0.2, pi)), log_uniform(rng, (1e-3, pi))):
            assert float(f"{value:.6g}") == value
            assert 1e-3 <= value <= pi
    assert uniform(rng, (1.23456789, 1.23456789)) == 1.23456789  # what the recipe says is kept
    assert {integer(rng, (3, 5)) for _ in range(99)} == {3, 4, 5}
    assert {odd(rng, (7, 11)) for _ in range(99)} == {7, 9, 11}


def test_weights_do_not_depend_on_how_they_are_written() -> None:
    first = [weighted(stream(1, number), {"a": 1, "b": 2}) for number in range(99)]
    assert first == [weighted(stream(1, number), {"b": 2.0, "a": 1.0}) for number in range(99)]
    assert {weighted(stream(1, number), {"a": 0, "b": 1, "c": 0}) for number in range(99)} == {"b"}


def test_chances_shuffles_and_keys() -> None:
    rng = stream(9)
    assert not any(chance(rng, 0) for _ in range(1000))
    assert all(chance(rng, 1) for _ in range(1000))
    shares(
        ("".join(shuffled(rng, "abc")) for _ in range(6000)),
        dict.fromkeys(("abc", "acb", "bac", "bca", "cab", "cba"), 1.0),
    )
    keys = {key(rng) for _ in range(100)}
    assert len(keys) == 100
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in keys)


RESIZING = {
    "bsrgan": BsrganConfig(),
    "plus": BsrganConfig(chain="plus"),
    "realesrgan": RealEsrganConfig(),
}


@pytest.mark.parametrize("config", RESIZING.values(), ids=RESIZING)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_no_side_is_shorter_than_eight(config: DegraderConfig, scale: int) -> None:
    """Or than the LR's, where that is shorter."""
    for lr in ((8, 11), (31, 37), (3, 40)):
        degrader = degraders.build(config, scale, Pools())
        for number in range(200):
            program = degrader.draw(stream(6, number), (lr[0] * scale, lr[1] * scale))
            for op in of(program, Resize):
                assert op.height >= min(8, lr[0])
                assert op.width >= min(8, lr[1])

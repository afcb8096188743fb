"""Noise on the sensor as a way of `realsr`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pairmill.models.camera.correlation import correlation, moments
from pairmill.pipeline import degraders
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.groups import RowGroups
from pairmill.schemas.noise_levels import NoiseWay, RawNoise
from pairmill.schemas.ops.noise import ShotReadNoise
from pairmill.schemas.ops.pooled import PooledBlur
from pairmill.schemas.program import Program
from tests.support.make import photograph
from tests.support.pools import pools

RAW = RawNoise(shot=0.3, read=1.5, red_gain=2, blue_gain=1.75, tone=True, spread=0.2)
HR = (74, 62)


def known(raw: tuple[RawNoise, ...] | None = (RAW,)) -> Pools:
    found = dict(pools()[0])
    found["noise_levels"] = replace(found["noise_levels"], raw=raw)
    return found


def drawn(number: int, **settings: object) -> Program:
    config = RealSrConfig.model_validate({"noise": "raw", **settings})
    return degraders.build(config, 2, known()).draw(stream("raw", number), HR)


def sensor(program: Program) -> ShotReadNoise:
    return next(op for op in program.ops if isinstance(op, ShotReadNoise))


def test_the_ops_are_those_of_a_camera() -> None:
    ops = ["pooled_blur", "subsample", "unprocess", "shot_read_noise", "mosaic", "process"]
    assert [op.op for op in drawn(0).ops] == [*ops, "quantise"]


def test_photographs_differ_as_they_did() -> None:
    """Of ln(read / 1.5) the mean is 0, the standard deviation 0.2; shot goes with its square."""
    found = [sensor(drawn(number)) for number in range(400)]
    away = np.log([one.read / RAW.read for one in found])
    assert away.mean() == pytest.approx(0, abs=0.03)
    assert away.std() == pytest.approx(0.2, abs=0.02)
    assert [one.shot for one in found] == pytest.approx(RAW.shot * np.exp(2 * away), rel=1e-4)


def test_photographs_of_a_mixed_group_are_none_of_pure_noise() -> None:
    """Phones by day and night beside scans: one in twenty would have 25 times the usual noise."""
    mixed = known((RAW.with_(shot=0.033, spread=1.64),))
    config = RealSrConfig.model_validate({"noise": "raw"})
    degrader = degraders.build(config, 2, mixed)
    found = [sensor(degrader.draw(stream("raw", number), HR)) for number in range(400)]
    assert max(one.read for one in found) == pytest.approx(8 * RAW.read)
    assert min(one.read for one in found) == pytest.approx(RAW.read / 8)
    assert max(one.shot for one in found) == pytest.approx(64 * 0.033)
    strong = RealSrConfig.model_validate({"noise": "raw", "strength": [400, 400]})
    white = sensor(degraders.build(strong, 2, mixed).draw(stream("raw", 0), HR))
    assert (white.shot, white.read) == (255, 255)


def test_strength_comes_on_top() -> None:
    once, twice = sensor(drawn(3)), sensor(drawn(3, strength=[2, 2]))
    assert twice.read == pytest.approx(2 * once.read, rel=1e-4)
    assert twice.shot == pytest.approx(4 * once.shot, rel=1e-4)


def test_the_noise_of_lr_is_not_white() -> None:
    hr = np.full((128, 128, 3), 128, np.uint8)
    lr = apply(drawn(1), hr, pools()[1]).astype(np.float32)
    found = correlation([moments(lr - lr.mean((0, 1)))])
    assert found.along_rows > 0.2
    assert found.red_green > 0.5


def test_programs_make_the_same_lr_again() -> None:
    hr, program = photograph(1, *HR), drawn(2)
    again = Program.model_validate_json(program.canonical_json())
    np.testing.assert_array_equal(apply(program, hr, pools()[1]), apply(again, hr, pools()[1]))


@pytest.mark.parametrize("raw", [None, ()])
def test_without_a_fit_it_says_what_to_do(raw: tuple[RawNoise, ...] | None) -> None:
    with pytest.raises(UserError, match="no noise was fitted on a sensor") as caught:
        degraders.build(RealSrConfig(noise="raw"), 2, known(raw))
    assert "set noise: auto" in str(caught.value)


def test_references_without_it_are_what_they_were() -> None:
    ref = PoolRef(kind="noise_levels", digest="a" * 64, count=3, side=3)
    assert "raw" not in ref.model_dump()
    assert PoolRef.model_validate(ref.with_(raw=(RAW,)).model_dump()).raw == (RAW,)


def chosen(ways: tuple[NoiseWay, ...] | None) -> Pools:
    """Two groups with a sensor each; row `n` of a pool is of group `n % 2`."""
    found = known((RAW, RAW.with_(red_gain=1.5)))
    for kind in ("kernels", "noise"):
        rows = tuple(row % 2 for row in range(found[kind].count))
        found[kind] = replace(found[kind], groups=RowGroups(rows=rows, photographs=(3, 3)))
    if ways is not None:
        found["noise_choice"] = PoolInfo("c" * 64, 2, 1, ways=ways)
    return found


@pytest.mark.parametrize(
    ("ways", "kinds"),
    [
        (("by_level", "raw"), {0: "inject_by_level", 1: "shot_read_noise"}),
        (("raw", "by_level"), {0: "shot_read_noise", 1: "inject_by_level"}),
        (("by_level", "by_level"), {0: "inject_by_level", 1: "inject_by_level"}),
        (None, {0: "inject_by_level", 1: "inject_by_level"}),
    ],
)
def test_auto_does_for_each_group_what_was_chosen(
    ways: tuple[NoiseWay, ...] | None, kinds: dict[int, str]
) -> None:
    degrader = degraders.build(RealSrConfig(noise="auto"), 2, chosen(ways))
    found = dict[int, set[str]]()
    for number in range(24):
        program = degrader.draw(stream("auto", number), HR)
        blur, noise = program.ops[0], program.ops[2:-1]
        assert isinstance(blur, PooledBlur)
        named = {op.op for op in noise} & {"inject_by_level", "shot_read_noise"}
        found.setdefault(blur.index % 2, set()).update(named)
    assert found == {group: {kind} for group, kind in kinds.items()}


def test_auto_draws_what_the_chosen_way_draws() -> None:
    pools_ = chosen(("raw", "raw"))
    auto, raw = (degraders.build(RealSrConfig(noise=noise), 2, pools_) for noise in ("auto", "raw"))
    for number in range(4):
        first, second = (one.draw(stream("auto", number), HR) for one in (auto, raw))
        assert first == second

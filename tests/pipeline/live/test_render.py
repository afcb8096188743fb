"""Programs step by step: the bits of `apply`, whatever was kept from the program before."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.live.parts import PARTS, part
from pairmill.pipeline.live.render import MOST_PIXELS, Bench, StaleError
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops.resize import Resize
from pairmill.schemas.program import Program
from tests.support.make import photograph

NO_POOLS = Assets()


def drawn(config: BsrganConfig, number: int = 0) -> Program:
    rng = stream(0, "preview", "bsrgan", number)
    return degraders.build(config, 2, {}).draw(rng, (52, 38))


def test_bits_are_those_of_apply_and_beginnings_are_kept() -> None:
    hr, other = photograph(0, 52, 38), photograph(1, 52, 38)
    bench = Bench()
    kept = 0
    for number in range(6):
        for quality in (30, 80):
            program = drawn(BsrganConfig(in_order=1.0, jpeg_quality=(quality, quality)), number)
            for tile in (hr, hr):
                lr, steps = bench.apply(program, tile, NO_POOLS)
                np.testing.assert_array_equal(lr, apply(program, tile, NO_POOLS))
                assert len(steps) <= len(program.ops)
                kept += sum(step.kept for step in steps)
    assert kept > 6 * 10  # the second time all, with another JPEG all before the first JPEG
    lr, steps = bench.apply(program, other, NO_POOLS)
    np.testing.assert_array_equal(lr, apply(program, other, NO_POOLS))
    assert not any(step.kept for step in steps)


def test_nothing_is_finished_that_nobody_waits_for() -> None:
    hr, bench = photograph(0, 52, 38), Bench()
    answers = iter([False, False, True])
    with pytest.raises(StaleError):
        bench.apply(drawn(BsrganConfig()), hr, NO_POOLS, lambda: next(answers))
    lr, steps = bench.apply(drawn(BsrganConfig()), hr, NO_POOLS)  # what was done is still good
    np.testing.assert_array_equal(lr, apply(drawn(BsrganConfig()), hr, NO_POOLS))
    assert [step.kept for step in steps[:3]] == [True, True, False]


def test_an_image_too_large_for_the_memory_is_refused_before_it_is_made() -> None:
    ops = (Resize(height=60_000, width=60_000), Resize(height=4, width=4))
    with pytest.raises(UserError, match="too large") as error:
        Bench().apply(Program(scale=2, ops=ops), photograph(0, 8, 8), NO_POOLS)
    assert f"{MOST_PIXELS:,}" in error.value.wanted


def test_parts_are_busiest_first_and_apart() -> None:
    image = np.full((64, 96, 3), 90, np.uint8)
    image[32:, 64:] = photograph(0, 32, 32, noise=20)
    image[:32, :32] = photograph(1, 32, 32, noise=6)
    np.testing.assert_array_equal(part(image, 32, 32, 0), image[32:, 64:])
    np.testing.assert_array_equal(part(image, 32, 32, 1), image[:32, :32])
    assert part(image, 500, 500, 3, step=4).shape == (64, 96, 3)
    assert part(image, 30, 30, PARTS, step=4).shape == (28, 28, 3)
    assert part(image[:3], 32, 32, 0).shape == (3, 32, 3)

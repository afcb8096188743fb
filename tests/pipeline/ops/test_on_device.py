"""LR made in batches by torch against LR made one by one by numpy: equal to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.pipeline import degraders
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.ops.locality import Window
from pairmill.pipeline.ops.on_device import Part, make, prepare
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.ops.blur import Blur, GaussianKernel, SincKernel
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.program import Program
from tests.support.make import photograph
from tests.support.pools import pools

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def window(rng: np.random.Generator, rows: int, columns: int) -> Window:
    top, left = int(rng.integers(rows)), int(rng.integers(columns))
    return Window(
        top, left, int(rng.integers(top + 1, rows + 1)), int(rng.integers(left + 1, columns + 1))
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("noise", ["as_mined", "by_level"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_batches_of_kernel_and_noise_pairs(noise: str, scale: int, device: str) -> None:
    """Any windows, at borders too, under crops of noise that overlap."""
    known, assets = pools(scale)
    config = CONFIGS["realsr"].model_validate({"noise": noise})
    degrader, rng = degraders.build(config, scale, known), np.random.default_rng(scale)
    shape, parts, wanted = (71 * scale, 53 * scale), list[Part](), []
    for number in range(24):
        program = degrader.draw(stream(number, "test", noise), shape)
        hr, place = photograph(number, *shape), window(rng, 71, 53)
        part = prepare(program, hr, assets, place)
        assert isinstance(part, Part)
        parts.append(part)
        wanted.append(
            apply(program, hr, assets)[place.top : place.bottom, place.left : place.right]
        )

    made = make(parts, assets, device)

    for lr, theirs in zip(made, wanted, strict=True):
        np.testing.assert_array_equal(lr.cpu().numpy(), theirs)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("border", ["mirror", "reflect", "wrap"])
def test_kernels_that_are_written_out(border: str, device: str) -> None:
    _, assets = pools(2)
    hr = photograph(3, 62, 74)
    for kernel in (GaussianKernel(size=15, sigma_x=2, sigma_y=1), SincKernel(size=21, cutoff=1.5)):
        blur = Blur(kernel=kernel, border=border)
        program = Program(scale=2, ops=(blur, Subsample(scale=2), Quantise()))
        part = prepare(program, hr, assets, Window(2, 0, 31, 9))
        lr = apply(program, hr, assets)[2:31, :9]
        if border == "wrap":  # what it sees lies at the other side
            assert not isinstance(part, Part)
            np.testing.assert_array_equal(part, lr)
            continue
        assert isinstance(part, Part)
        [made] = make([part], assets, device)
        np.testing.assert_array_equal(made.cpu().numpy(), lr)


@pytest.mark.parametrize("kind", ["bicubic", "bsrgan", "srmd"])
def test_what_a_device_does_not_do_is_done_at_once(kind: str) -> None:
    known, assets = pools(2)
    degrader = degraders.build(CONFIGS[kind].model_validate({}), 2, known)
    program, hr = degrader.draw(stream(1, "test"), (62, 74)), photograph(5, 62, 74)

    lr = prepare(program, hr, assets, Window(5, 6, 20, 30))

    assert not isinstance(lr, Part)
    np.testing.assert_array_equal(lr, apply(program, hr, assets)[5:20, 6:30])

"""Draws of chains that a recipe writes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pairmill.pipeline import degraders
from pairmill.pipeline.degraders import Pools
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.ops.blur import Blur
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.ops.resize import BicubicDown, Quantise, Subsample
from tests.support.sampling import drawn, evenly, of, often, shares, whole


def custom(*ops: Any, **settings: Any) -> CustomConfig:
    return CustomConfig.model_validate({"ops": ops} | settings)


def test_custom_ranges_and_choices() -> None:
    gaussian = {
        "shape": "gaussian",
        "size": [7, 21],
        "sigma_x": [1, 2],
        "sigma_y": {"log": [0.1, 10]},
        "angle": [0, 1, 2, 3],
    }
    programs = drawn(
        custom(
            {"op": "blur", "p": 0.3, "kernel": gaussian},
            {"op": "gaussian_noise", "sigma": {"choices": [5, 50]}, "mode": ["colour", "grey"]},
            {
                "one_of": [
                    {"weight": 3, "ops": [{"op": "jpeg", "quality": [40, 60]}]},
                    {"ops": []},
                ],
                "p": 0.5,
            },
        )
    )
    kernels = [op.kernel for program in programs for op in of(program, Blur)]
    often(len(kernels), 0.3)
    shares((kernel.size for kernel in kernels), whole(7, 21, 2))
    evenly((kernel.sigma_x for kernel in kernels), 1, 2)
    evenly((np.log10(kernel.sigma_y) for kernel in kernels), -1, 1)
    shares((kernel.angle for kernel in kernels), {0.0: 1, 1.0: 1, 2.0: 1, 3.0: 1})
    noise = [program_op for program in programs for program_op in of(program, GaussianNoise)]
    shares(
        ((op.sigma, op.mode) for op in noise),
        {(5.0, "colour"): 1, (5.0, "grey"): 1, (50.0, "colour"): 1, (50.0, "grey"): 1},
    )
    jpeg = [op.quality for program in programs for op in of(program, Jpeg)]
    often(len(jpeg), 0.5 * 0.75)
    shares(jpeg, whole(40, 60))
    assert all([op.op for op in program.ops[-2:]] == ["resize", "quantise"] for program in programs)


def program_of(
    *ops: Any, scale: int = 2, shape: tuple[int, int] = (74, 62), **settings: Any
) -> list[Any]:
    return list(
        degraders.build(custom(*ops, **settings), scale, Pools()).draw(stream(1), shape).ops
    )


def test_custom_subsampling_is_centred() -> None:
    blur = {"op": "blur", "kernel": {"shape": "gaussian", "sigma_x": 1, "sigma_y": 2, "size": 9}}
    first, second, _ = program_of(blur, {"op": "subsample", "scale": 2})
    assert first.kernel.shift == (0.5, 0.5)
    assert second == Subsample(scale=2)
    pulse, second, _ = program_of({"op": "jpeg", "quality": 50}, {"op": "subsample", "scale": 2})[
        1:
    ]
    assert (pulse.kernel.shift, pulse.kernel.sigma_x, second) == (
        (0.5, 0.5),
        0.01,
        Subsample(scale=2),
    )


def test_custom_resizes_relative_to_something() -> None:
    half = {"op": "resize", "factor": 0.5, "method": "area"}
    up = {"op": "resize", "factor": 1, "of": "hr", "method": ["bilinear"]}
    lr = {"op": "resize", "factor": 2, "of": "lr", "method": "bicubic"}
    found = program_of(half, half, up, lr, finish="nearest")
    assert [(op.height, op.width, op.method) for op in found[:-1]] == [
        (37, 31, "area"),
        (18, 16, "area"),
        (74, 62, "bilinear"),
        (37, 31, "nearest"),
    ]


def test_custom_needs_no_resize_where_the_ops_lead_to_the_lr() -> None:
    down = {"op": "bicubic_down", "scale": 2}
    assert program_of(down) == [BicubicDown(scale=2, form="matlab"), Quantise()]
    assert program_of(down | {"form": "float"}) == [BicubicDown(scale=2), Quantise()]
    assert [op.op for op in program_of({"op": "bicubic_down", "scale": 4})] == [
        "resize",
        "resize",
        "quantise",
    ]  # 74 % 4 = 2


@pytest.mark.parametrize(
    ("before", "form"),
    [
        ([], "matlab"),
        ([{"op": "jpeg", "quality": 50}], "matlab"),
        ([{"op": "quantise"}], "matlab"),
        ([{"op": "bicubic_down", "scale": 2}], "matlab"),
        ([{"op": "bicubic_down", "scale": 2, "form": "float"}], "float"),
        ([{"op": "gaussian_noise", "sigma": 1}], "float"),
        ([{"op": "gaussian_noise", "sigma": 1}, {"op": "clip"}], "float"),
    ],
)
def test_bicubic_is_matlabs_where_the_image_is_8_bit(before: list[Any], form: str) -> None:
    down = {"op": "bicubic_down", "scale": 2}
    halvings = 1 + sum(step["op"] == "bicubic_down" for step in before)
    *_, op, _ = program_of(*before, down, scale=2**halvings, shape=(72, 64))
    assert (op.op, op.form) == ("bicubic_down", form)


def test_custom_correlated_noise_brings_its_covariance() -> None:
    (noise, _, _) = program_of({"op": "gaussian_noise", "sigma": [10, 20], "mode": "correlated"})
    assert noise.sigma == 0
    assert 0 < np.trace(noise.covariance) < 3 * 400
    given = ((9.0, 0.0, 0.0), (0.0, 9.0, 0.0), (0.0, 0.0, 9.0))
    (noise, _, _) = program_of(
        {"op": "gaussian_noise", "sigma": 0, "mode": "correlated", "covariance": given}
    )
    assert noise.covariance == given
    (noise, _, _) = program_of(
        {"op": "gaussian_noise", "sigma": 4, "mode": "grey", "covariance": given}
    )
    assert (noise.sigma, noise.covariance) == (4, None)

"""Draws of Real-ESRGAN against the published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

from pairmill.schemas.degraders.realesrgan import RealEsrganConfig
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import (
    Blur,
    GaussianKernel,
    GeneralisedKernel,
    PlateauKernel,
    SincKernel,
    UnsharpMask,
)
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import GaussianNoise, PoissonNoise
from pairmill.schemas.ops.resize import Quantise, Resize
from pairmill.schemas.program import Program
from tests.support.sampling import SIDE, N, drawn, evenly, of, often, shares, whole


def orders(program: Program) -> tuple[list[Op], list[Op]]:
    """Ops up to the first JPEG and after it."""
    ops = list(program.ops)
    cut = next(number for number, op in enumerate(ops) if isinstance(op, Jpeg))
    return ops[1 : cut + 1], ops[cut + 1 :]


def check_kernels(blurs: Sequence[Any], sigma: tuple[float, float]) -> None:
    kernels = [blur.kernel for blur in blurs]
    sinc, others = (
        [k for k in kernels if isinstance(k, SincKernel)],
        [k for k in kernels if not isinstance(k, SincKernel)],
    )
    shares((kernel.size for kernel in kernels), whole(7, 21, 2))
    often(len(sinc), 0.1, len(kernels))
    evenly((k.cutoff for k in sinc if k.size < 13), 1.047198, 3.141593, 200)
    evenly((k.cutoff for k in sinc if k.size >= 13), 0.628319, 3.141593, 200)
    names: dict[type, str] = {
        GaussianKernel: "gaussian",
        GeneralisedKernel: "generalised",
        PlateauKernel: "plateau",
    }
    shares(
        ((names[type(k)], k.sigma_x == k.sigma_y) for k in others),
        {
            ("gaussian", True): 0.45,
            ("gaussian", False): 0.25,
            ("generalised", True): 0.12,
            ("generalised", False): 0.03,
            ("plateau", True): 0.12,
            ("plateau", False): 0.03,
        },
    )
    evenly((k.sigma_x for k in others), *sigma)
    evenly((k.sigma_y for k in others if k.sigma_y != k.sigma_x), *sigma)
    evenly((k.angle for k in others if k.sigma_y != k.sigma_x), -pi, pi)
    beta = [k.beta for k in others if isinstance(k, GeneralisedKernel)]
    often(sum(value < 1 for value in beta), 0.5, len(beta))
    evenly((value for value in beta if value < 1), 0.5, 1)
    evenly((value for value in beta if value > 1), 1, 4)
    flat = [k.beta for k in others if isinstance(k, PlateauKernel)]
    often(sum(value == 1 for value in flat), 0.5, len(flat))
    evenly((value for value in flat if value != 1), 1, 2)


def check_noise(
    ops: Sequence[Any], sigma: tuple[float, float], strength: tuple[float, float]
) -> None:
    gaussian, poisson = (
        [op for op in ops if isinstance(op, GaussianNoise)],
        [op for op in ops if isinstance(op, PoissonNoise)],
    )
    assert len(gaussian) + len(poisson) == N
    often(len(gaussian), 0.5)
    evenly((op.sigma for op in gaussian), *sigma)
    often(sum(op.mode == "grey" for op in gaussian), 0.4, len(gaussian))
    evenly((op.strength for op in poisson), *strength)
    often(sum(op.grey for op in poisson), 0.4, len(poisson))
    assert {op.peak for op in poisson} == {"levels"}


def test_realesrgan_first_order() -> None:
    programs = drawn(RealEsrganConfig())
    assert all(
        program.ops[0] == UnsharpMask(size=51, sigma=8, weight=0.5, threshold=10)
        for program in programs
    )
    first = [orders(program)[0] for program in programs]
    assert all(isinstance(ops[0], Blur) for ops in first)
    check_kernels([ops[0] for ops in first], (0.2, 3.0))
    check_noise([op for ops in first for op in ops], (1, 30), (0.05, 3))
    ratios = [op.width / SIDE for ops in first for op in ops if isinstance(op, Resize)]
    often(sum(ratio > 1 for ratio in ratios), 0.2)
    often(sum(ratio < 1 for ratio in ratios), 0.7)
    evenly((ratio for ratio in ratios if ratio > 1), 0.9999, 1.5)
    evenly((ratio for ratio in ratios if ratio < 1), 0.149, 1)
    shares((op.quality for ops in first for op in ops if isinstance(op, Jpeg)), whole(30, 95))


def test_realesrgan_second_order() -> None:
    programs = drawn(RealEsrganConfig())
    second = [orders(program)[1] for program in programs]
    blurs = [ops[0] for ops in second if isinstance(ops[0], Blur)]
    often(len(blurs), 0.8)
    check_kernels(blurs, (0.2, 1.5))
    check_noise([op for ops in second for op in ops], (1, 25), (0.05, 2.5))
    shares((op.quality for ops in second for op in ops if isinstance(op, Jpeg)), whole(30, 95))
    until_noise = [
        ops[: next(n for n, op in enumerate(ops) if isinstance(op, GaussianNoise | PoissonNoise))]
        for ops in second
    ]
    ratios = [op.width / (SIDE / 4) for ops in until_noise for op in ops if isinstance(op, Resize)]
    often(sum(ratio > 1 for ratio in ratios), 0.3)
    often(sum(ratio < 1 for ratio in ratios), 0.4)
    evenly((ratio for ratio in ratios if ratio > 1), 0.999, 1.2)
    evenly((ratio for ratio in ratios if ratio < 1), 0.299, 1)


def test_realesrgan_ends() -> None:
    """JPEG last, or resize and sinc last; the sinc in four of five."""
    programs = drawn(RealEsrganConfig())
    often(
        sum(isinstance(program.ops[-1], Jpeg) for program in programs), 0.5 + 0.5 * 0.3 * 0.2
    )  # LR-sized already, no sinc
    assert {type(program.ops[-1]) for program in programs} == {Jpeg, Quantise}
    tails = [orders(program)[1][1:] for program in programs]
    sinc = [op.kernel for ops in tails for op in ops if isinstance(op, Blur)]
    often(len(sinc), 0.8)
    shares((kernel.size for kernel in sinc), whole(7, 21, 2))
    cutoffs = [kernel.cutoff for kernel in sinc if isinstance(kernel, SincKernel)]
    assert len(cutoffs) == len(sinc)
    evenly(cutoffs, 1.047198, 3.141593)
    resizes = [op.method for program in programs for op in of(program, Resize)]
    shares(resizes, {"bilinear": 1, "bicubic": 1, "area": 1})

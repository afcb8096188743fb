"""Moments and frequencies of 10,000 draws per degrader against the published numbers.

A frequency may lie 4.5 standard errors off (one chance in 150,000 each), a distribution is refused by a Kolmogorov-Smirnov or a
chi-square test at 1 in 10,000. The streams are fixed, so the tests always see the same draws.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import pi, sqrt
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline import degraders
from pipeline.degraders import Pools
from pipeline.degraders.bsrgan import classic_order, plus_order
from pipeline.degraders.draws import chance, covariance, integer, key, log_uniform, odd, shuffled, uniform, weighted
from pipeline.rng import stream
from schemas.degraders import CONFIGS, DegraderConfig
from schemas.degraders.base import DegraderBase
from schemas.degraders.block_noise import BlockNoiseConfig
from schemas.degraders.bsrgan import BsrganConfig
from schemas.degraders.codec import CodecConfig
from schemas.degraders.custom import CustomConfig
from schemas.degraders.ikc import IkcConfig
from schemas.degraders.realesrgan import RealEsrganConfig
from schemas.degraders.srmd import SrmdConfig
from schemas.ops import Op
from schemas.ops.blur import Blur, GaussianKernel, GeneralisedKernel, PlateauKernel, SincKernel, UnsharpMask
from schemas.ops.camera import Mosaic
from schemas.ops.codecs import Jpeg
from schemas.ops.noise import GaussianNoise, PoissonNoise, SpeckleNoise
from schemas.ops.resize import BicubicDown, Quantise, Resize, Subsample
from schemas.program import Program

N = 10_000
SIDE = 7200
"""Side of the imagined HR, in pixels: so large that rounding to whole sizes does not show."""


@lru_cache(maxsize=1)
def draws(config: str, scale: int, kind: str) -> list[Program]:
    settings = CONFIGS[kind].model_validate_json(config)
    degrader = degraders.build(settings, scale, Pools())
    gc.disable()                                         # a million small objects, none of them garbage
    try:
        return [degrader.draw(stream(3, kind, number), (SIDE, SIDE)) for number in range(N)]
    finally:
        gc.enable()


def drawn(config: DegraderBase, scale: int = 4) -> list[Program]:
    return draws(config.model_dump_json(), scale, config.kind)


def often(found: int, probability: float, of: int = N) -> None:
    """A frequency."""
    assert abs(found / of - probability) <= 4.5 * sqrt(probability * (1 - probability) / of) + 1e-12, (found / of, probability)


def evenly(values: Iterable[float], low: float, high: float, enough: int = 300) -> None:
    """Uniform on [low, high]."""
    found = np.array(list(values))
    assert len(found) >= enough
    assert low <= found.min() <= found.max() <= high
    assert stats.kstest(found, stats.uniform(low, high - low).cdf).pvalue > 1e-4


def shares(values: Iterable[Any], weights: Mapping[Any, float]) -> None:
    """Values with these weights, and no others."""
    counts = Counter(values)
    assert set(counts) <= set(weights)
    expected = np.array(list(weights.values())) / sum(weights.values()) * sum(counts.values())
    assert stats.chisquare([counts[value] for value in weights], expected).pvalue > 1e-4, counts


def whole(low: int, high: int, step: int = 1) -> dict[int, float]:
    return dict.fromkeys(range(low, high + 1, step), 1.0)


def of(program: Program, *kinds: type) -> list[Any]:
    return [op for op in program.ops if isinstance(op, kinds)]


def ellipses(blurs: Sequence[Blur]) -> tuple[list[GaussianKernel], list[GaussianKernel]]:
    """Isotropic and anisotropic kernels."""
    kernels = [blur.kernel for blur in blurs if isinstance(blur.kernel, GaussianKernel)]
    return [k for k in kernels if k.sigma_x == k.sigma_y], [k for k in kernels if k.sigma_x != k.sigma_y]


# ---- BSRGAN


def halved(program: Program) -> bool:
    first = program.ops[0]
    return isinstance(first, BicubicDown) or (isinstance(first, Resize) and first.height == SIDE // 2)


def chain_blurs(program: Program) -> list[Blur]:
    """The two blurs of the chain, without the kernel of a reduction."""
    return [op for op, then in pairwise(program.ops) if isinstance(op, Blur) and not isinstance(then, Subsample)]


def test_bsrgan_frequencies() -> None:
    programs = drawn(BsrganConfig())
    often(sum(map(halved, programs)), 0.25)
    often(sum(isinstance(program.ops[0], BicubicDown) for program in programs), 0.125)
    shares((len(of(program, Jpeg)) for program in programs), {1: 0.1, 2: 0.9})
    assert all(isinstance(program.ops[-1], Jpeg) for program in programs)
    assert all(len(chain_blurs(program)) == 2 and len(of(program, GaussianNoise)) == 1 for program in programs)
    often(sum(bool(of(program, Subsample)) for program in programs), 0.25)
    assert not any(of(program, Mosaic, PoissonNoise, SpeckleNoise, UnsharpMask) for program in programs)
    resizes = [op for program in programs for op in of(program, Resize)]
    shares((op.method for op in resizes), {"bilinear": 1, "bicubic": 1, "area": 1})


def test_bsrgan_blurs() -> None:
    programs = drawn(BsrganConfig())
    shares((blur.kernel.size for program in programs for blur in chain_blurs(program)), whole(7, 25, 2))
    for half, variance, sigma in ((False, 8.0, 2.8), (True, 6.0, 2.4)):
        blurs = [blur for program in programs if halved(program) == half for blur in chain_blurs(program)]
        round_, oval = ellipses(blurs)
        often(len(oval), 0.5, len(blurs))
        evenly((k.sigma_x for k in round_), 0, sigma)
        evenly((k.sigma_x**2 for k in oval), 0, variance + 1e-4)
        evenly((k.sigma_y**2 for k in oval), 0, variance + 1e-4)
        evenly((k.angle for k in oval), 0, pi)


def test_bsrgan_noise_and_jpeg() -> None:
    programs = drawn(BsrganConfig())
    noises = [op for program in programs for op in of(program, GaussianNoise)]
    shares((op.mode for op in noises), {"colour": 0.4, "grey": 0.4, "correlated": 0.2})
    shares((op.sigma for op in noises if op.mode != "correlated"), whole(2, 25))
    assert len({op.key for op in noises}) == N
    shares((op.quality for program in programs for op in of(program, Jpeg)), whole(30, 95))
    assert {op.subsampling for program in programs for op in of(program, Jpeg)} == {"420"}


def test_bsrgan_reduction() -> None:
    """1 / U(1, 2 s), or a Gaussian of U(0.1, 0.6 s) whose centre is (s - 1) / 2 off; then to the size of the LR."""
    whole_images = [program for program in drawn(BsrganConfig()) if not halved(program)]
    first = [next(iter(of(program, Resize, Subsample))) for program in whole_images]
    evenly((SIDE / op.width for op in first if isinstance(op, Resize)), 1, 8.01)
    before = [
        op.kernel for program in whole_images for op, then in pairwise(program.ops)
        if isinstance(op, Blur) and isinstance(then, Subsample)
    ]  # fmt: skip
    assert {(kernel.size, kernel.shift) for kernel in before} == {(25, (1.5, 1.5))}
    evenly((kernel.sigma_x for kernel in before), 0.1, 2.4)
    assert all(of(program, Resize, Subsample)[-1].width == SIDE // 4 for program in whole_images if of(program, Resize)
               and not of(program, Subsample))  # fmt: skip


def test_bsrgan_order() -> None:
    orders = [classic_order(stream(1, number)) for number in range(N)]
    for place in range(7):
        often(sum(order[place] == "noise" for order in orders), 1 / 7)
    assert all(order.index("reduce") < order.index("to_lr") for order in orders)
    often(sum(order[0] == "reduce" for order in orders), 2 / 7)
    often(sum(order[6] == "to_lr" for order in orders), 2 / 7)


def test_bsrgan_halves_at_scale_four_only() -> None:
    for scale in (2, 3, 8):
        degrader = degraders.build(BsrganConfig(halve=1), scale, Pools())
        assert not any(of(degrader.draw(stream(1, number), (480, 480)), BicubicDown) for number in range(50))
    all_halved = degraders.build(BsrganConfig(halve=1, halve_matlab=1), 4, Pools())
    assert all(isinstance(all_halved.draw(stream(1, number), (480, 480)).ops[0], BicubicDown) for number in range(50))


PLUS = BsrganConfig(chain="plus")


def sides(program: Program) -> list[float]:
    """Ratios of the sides after to before each resize but the last, which leads to the LR."""
    widths = [SIDE, *(op.width for op in of(program, Resize))]
    return [after / before for before, after in pairwise(widths)][:-1]


def test_plus_frequencies() -> None:
    programs = drawn(PLUS)
    assert all(program.ops[0] == UnsharpMask() and isinstance(program.ops[-1], Jpeg) for program in programs)
    assert all((len(of(p, Blur)), len(of(p, GaussianNoise)), len(of(p, Jpeg))) == (2, 2, 2) for p in programs)
    poisson = [op for program in programs for op in of(program, PoissonNoise)]
    often(len(poisson), 0.1, 2 * N)
    often(sum(op.grey for op in poisson), 0.5, len(poisson))
    evenly((np.log10(op.peak) for op in poisson), 2, 4)
    assert {op.strength for op in poisson} == {1.0}
    speckle = [op for program in programs for op in of(program, SpeckleNoise)]
    often(len(speckle), 0.1, 2 * N)
    shares((round(op.sigma * 255) for op in speckle if op.mode != "correlated"), whole(2, 25))


def test_plus_resizes() -> None:
    ratios = [ratio for program in drawn(PLUS) for ratio in sides(program)]
    up, down = [r for r in ratios if r > 1], [r for r in ratios if r < 1]
    often(len(up), 0.2, 2 * N)
    often(len(down), 0.7, 2 * N)
    evenly(up, 0.999, 2)
    evenly(down, 0.124, 1)


def test_plus_order() -> None:
    """Half of the time everything is shuffled, else only the noises of each half among themselves."""
    orders = [plus_order(stream(1, number), 0.5) for number in range(N)]
    often(sum(order[6] == "jpeg" for order in orders), 0.5 + 0.5 / 13)
    often(sum(order[2] == "noise" for order in orders), 0.5 / 4 + 0.5 * 2 / 13)
    often(sum(order[9] == "camera" for order in orders), 0.5 / 4 + 0.5 * 2 / 13)
    fixed = [plus_order(stream(1, number), 0.0) for number in range(200)]
    assert {tuple(order[:2] + order[6:9]) for order in fixed} == {("blur", "resize", "jpeg", "blur", "resize")}
    assert {tuple(sorted(order[2:6])) for order in fixed} == {("camera", "noise", "poisson", "speckle")}


def test_correlated_noise() -> None:
    """Entries of |U^T D U|, D = diag(3 x U(0, 1)): the trace is that of D, mean 3 / 2 and variance 3 / 12; all are definite."""
    found = np.array([covariance(stream(5, number), 25.0) for number in range(2000)])
    trace = np.trace(found, axis1=1, axis2=2) / 625
    assert abs(trace.mean() - 1.5) < 4.5 * 0.5 / sqrt(2000)
    assert abs(trace.std() - 0.5) < 0.04
    assert (found >= 0).all()
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(found).min() > 0
    np.testing.assert_allclose(covariance(stream(5, 1), 25 / 255), np.array(covariance(stream(5, 1), 25.0)) / 255**2, rtol=1.1e-5)


# ---- Real-ESRGAN


def orders(program: Program) -> tuple[list[Op], list[Op]]:
    """Ops up to the first JPEG and after it."""
    ops = list(program.ops)
    cut = next(number for number, op in enumerate(ops) if isinstance(op, Jpeg))
    return ops[1 : cut + 1], ops[cut + 1 :]


def check_kernels(blurs: Sequence[Any], sigma: tuple[float, float]) -> None:
    kernels = [blur.kernel for blur in blurs]
    sinc, others = [k for k in kernels if isinstance(k, SincKernel)], [k for k in kernels if not isinstance(k, SincKernel)]
    shares((kernel.size for kernel in kernels), whole(7, 21, 2))
    often(len(sinc), 0.1, len(kernels))
    evenly((k.cutoff for k in sinc if k.size < 13), 1.047198, 3.141593, 200)
    evenly((k.cutoff for k in sinc if k.size >= 13), 0.628319, 3.141593, 200)
    names = {GaussianKernel: "gaussian", GeneralisedKernel: "generalised", PlateauKernel: "plateau"}
    shares(
        ((names[type(k)], k.sigma_x == k.sigma_y) for k in others),
        {("gaussian", True): 0.45, ("gaussian", False): 0.25, ("generalised", True): 0.12, ("generalised", False): 0.03,
         ("plateau", True): 0.12, ("plateau", False): 0.03},
    )  # fmt: skip
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


def check_noise(ops: Sequence[Any], sigma: tuple[float, float], strength: tuple[float, float]) -> None:
    gaussian, poisson = [op for op in ops if isinstance(op, GaussianNoise)], [op for op in ops if isinstance(op, PoissonNoise)]
    assert len(gaussian) + len(poisson) == N
    often(len(gaussian), 0.5)
    evenly((op.sigma for op in gaussian), *sigma)
    often(sum(op.mode == "grey" for op in gaussian), 0.4, len(gaussian))
    evenly((op.strength for op in poisson), *strength)
    often(sum(op.grey for op in poisson), 0.4, len(poisson))
    assert {op.peak for op in poisson} == {"levels"}


def test_realesrgan_first_order() -> None:
    programs = drawn(RealEsrganConfig())
    assert all(program.ops[0] == UnsharpMask(size=51, sigma=8, weight=0.5, threshold=10) for program in programs)
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
    until_noise = [ops[: next(n for n, op in enumerate(ops) if isinstance(op, GaussianNoise | PoissonNoise))] for ops in second]
    ratios = [op.width / (SIDE / 4) for ops in until_noise for op in ops if isinstance(op, Resize)]
    often(sum(ratio > 1 for ratio in ratios), 0.3)
    often(sum(ratio < 1 for ratio in ratios), 0.4)
    evenly((ratio for ratio in ratios if ratio > 1), 0.999, 1.2)
    evenly((ratio for ratio in ratios if ratio < 1), 0.299, 1)


def test_realesrgan_ends() -> None:
    """JPEG last, or resize and sinc last; the sinc in four of five."""
    programs = drawn(RealEsrganConfig())
    often(sum(isinstance(program.ops[-1], Jpeg) for program in programs), 0.5 + 0.5 * 0.3 * 0.2)   # LR-sized already, no sinc
    assert {type(program.ops[-1]) for program in programs} == {Jpeg, Quantise}
    tails = [orders(program)[1][1:] for program in programs]
    sinc = [op.kernel for ops in tails for op in ops if isinstance(op, Blur)]
    often(len(sinc), 0.8)
    shares((kernel.size for kernel in sinc), whole(7, 21, 2))
    evenly((kernel.cutoff for kernel in sinc), 1.047198, 3.141593)
    resizes = [op.method for program in programs for op in of(program, Resize)]
    shares(resizes, {"bilinear": 1, "bicubic": 1, "area": 1})


# ---- The single blurs


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_ikc(scale: int) -> None:
    programs = drawn(IkcConfig(), scale)
    assert {tuple(op.op for op in program.ops) for program in programs} == {("blur", "bicubic_down", "quantise")}
    round_, oval = ellipses([program.ops[0] for program in programs])  # type: ignore[misc]
    assert not oval
    assert {kernel.size for kernel in round_} == {21}
    evenly((kernel.sigma_x for kernel in round_), 0.2, scale)


def test_ikc_options() -> None:
    programs = drawn(IkcConfig(noise=0.8, anisotropic=0.5))
    noise = [op.sigma for program in programs for op in of(program, GaussianNoise)]
    often(len(noise), 0.8)
    evenly(noise, 0, 20.4)
    kernels = [program.ops[0].kernel for program in programs]  # type: ignore[union-attr]
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
    kernels = [program.ops[0].kernel for program in programs]  # type: ignore[union-attr]
    assert {program.ops[0].border for program in programs} == {"wrap"}  # type: ignore[union-attr]
    assert {kernel.size for kernel in kernels} == {15}
    long, short = (np.array([getattr(k, name) ** 2 for k in kernels]) for name in ("sigma_x", "sigma_y"))
    evenly(long, 0.1 - 1e-5, 10.1 + 1e-4)
    clear = long > 0.2
    evenly(((short - 0.1) / (long - 0.1))[clear], -1e-3, 1 + 1e-3)
    evenly((kernel.angle for kernel in kernels), 0, pi)
    noise = [op.sigma for program in programs for op in of(program, GaussianNoise)]
    often(len(noise), 0.9)
    evenly(noise, 0, 50)


def test_block_noise() -> None:
    programs = drawn(BlockNoiseConfig())
    assert {tuple(op.op for op in p.ops) for p in programs} == {("block_noise", "clip", "blur", "bicubic_down", "quantise")}
    assert {(p.ops[0].block, p.ops[0].sigma) for p in programs} == {(8, (0.0, 75.0))}  # type: ignore[union-attr]
    assert len({p.ops[0].key for p in programs}) == N  # type: ignore[union-attr]
    evenly((p.ops[2].kernel.sigma_x for p in programs), 0.2, 4)  # type: ignore[union-attr]
    late = degraders.build(BlockNoiseConfig(on="lr"), 2, Pools()).draw(stream(1), (64, 64))
    assert [op.op for op in late.ops] == ["blur", "bicubic_down", "block_noise", "quantise"]


def test_codec() -> None:
    programs = drawn(CodecConfig())
    chains = ["+".join(getattr(op, "codec", op.op) for op in program.ops[1:]) for program in programs]
    shares(chains, {"jpeg": 4, "jpeg+jpeg": 2, "webp": 1, "avif": 1, "jpeg_xl": 1, "h264": 0.25, "hevc": 0.25, "vp9": 0.25,
                    "av1": 0.25})  # fmt: skip
    single = [program.ops[1] for program, chain in zip(programs, chains, strict=True) if chain == "jpeg"]
    shares((op.quality for op in single), whole(30, 95))  # type: ignore[union-attr]
    shares((op.subsampling for op in single), {"420": 2, "444": 1})  # type: ignore[union-attr]
    shares((op.phase[0] for op in single), whole(0, 15))  # type: ignore[union-attr]


# ---- A chain of one's own


def custom(*ops: Any, **settings: Any) -> CustomConfig:
    return CustomConfig.model_validate({"ops": ops} | settings)


def test_custom_ranges_and_choices() -> None:
    gaussian = {"shape": "gaussian", "size": [7, 21], "sigma_x": [1, 2], "sigma_y": {"log": [0.1, 10]}, "angle": [0, 1, 2, 3]}
    programs = drawn(custom(
        {"op": "blur", "p": 0.3, "kernel": gaussian},
        {"op": "gaussian_noise", "sigma": {"choices": [5, 50]}, "mode": ["colour", "grey"]},
        {"one_of": [{"weight": 3, "ops": [{"op": "jpeg", "quality": [40, 60]}]}, {"ops": []}], "p": 0.5},
    ))  # fmt: skip
    kernels = [op.kernel for program in programs for op in of(program, Blur)]
    often(len(kernels), 0.3)
    shares((kernel.size for kernel in kernels), whole(7, 21, 2))
    evenly((kernel.sigma_x for kernel in kernels), 1, 2)
    evenly((np.log10(kernel.sigma_y) for kernel in kernels), -1, 1)
    shares((kernel.angle for kernel in kernels), {0.0: 1, 1.0: 1, 2.0: 1, 3.0: 1})
    noise = [program_op for program in programs for program_op in of(program, GaussianNoise)]
    shares(((op.sigma, op.mode) for op in noise), {(5.0, "colour"): 1, (5.0, "grey"): 1, (50.0, "colour"): 1, (50.0, "grey"): 1})
    jpeg = [op.quality for program in programs for op in of(program, Jpeg)]
    often(len(jpeg), 0.5 * 0.75)
    shares(jpeg, whole(40, 60))
    assert all([op.op for op in program.ops[-2:]] == ["resize", "quantise"] for program in programs)


def program_of(*ops: Any, scale: int = 2, shape: tuple[int, int] = (74, 62), **settings: Any) -> list[Any]:
    return list(degraders.build(custom(*ops, **settings), scale, Pools()).draw(stream(1), shape).ops)


def test_custom_subsampling_is_centred() -> None:
    blur = {"op": "blur", "kernel": {"shape": "gaussian", "sigma_x": 1, "sigma_y": 2, "size": 9}}
    first, second, _ = program_of(blur, {"op": "subsample", "scale": 2})
    assert first.kernel.shift == (0.5, 0.5)
    assert second == Subsample(scale=2)
    pulse, second, _ = program_of({"op": "jpeg", "quality": 50}, {"op": "subsample", "scale": 2})[1:]
    assert (pulse.kernel.shift, pulse.kernel.sigma_x, second) == ((0.5, 0.5), 0.01, Subsample(scale=2))


def test_custom_resizes_relative_to_something() -> None:
    half = {"op": "resize", "factor": 0.5, "method": "area"}
    up = {"op": "resize", "factor": 1, "of": "hr", "method": ["bilinear"]}
    lr = {"op": "resize", "factor": 2, "of": "lr", "method": "bicubic"}
    found = program_of(half, half, up, lr, finish="nearest")
    assert [(op.height, op.width, op.method) for op in found[:-1]] == [
        (37, 31, "area"), (18, 16, "area"), (74, 62, "bilinear"), (37, 31, "nearest"),
    ]  # fmt: skip


def test_custom_needs_no_resize_where_the_ops_lead_to_the_lr() -> None:
    assert program_of({"op": "bicubic_down", "scale": 2}) == [BicubicDown(scale=2), Quantise()]
    assert [op.op for op in program_of({"op": "bicubic_down", "scale": 4})] == ["resize", "resize", "quantise"]   # 74 % 4 = 2


def test_custom_correlated_noise_brings_its_covariance() -> None:
    (noise, _, _) = program_of({"op": "gaussian_noise", "sigma": [10, 20], "mode": "correlated"})
    assert noise.sigma == 0
    assert 0 < np.trace(noise.covariance) < 3 * 400
    given = ((9.0, 0.0, 0.0), (0.0, 9.0, 0.0), (0.0, 0.0, 9.0))
    (noise, _, _) = program_of({"op": "gaussian_noise", "sigma": 0, "mode": "correlated", "covariance": given})
    assert noise.covariance == given
    (noise, _, _) = program_of({"op": "gaussian_noise", "sigma": 4, "mode": "grey", "covariance": given})
    assert (noise.sigma, noise.covariance) == (4, None)


# ---- The single draws


def test_numbers_are_short_and_stay_in_range() -> None:
    rng = stream(2)
    for _ in range(2000):
        for value in (uniform(rng, (0.2, pi)), log_uniform(rng, (1e-3, pi))):
            assert float(f"{value:.6g}") == value
            assert 1e-3 <= value <= pi
    assert uniform(rng, (1.23456789, 1.23456789)) == 1.23456789           # what the recipe says is kept
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
    shares(("".join(shuffled(rng, "abc")) for _ in range(6000)), dict.fromkeys(("abc", "acb", "bac", "bca", "cab", "cba"), 1.0))
    keys = {key(rng) for _ in range(100)}
    assert len(keys) == 100
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in keys)


def test_zero_draws_are_floored() -> None:
    """A variance of nearly 0 would be a singular covariance."""
    flat = degraders.build(BsrganConfig(variance=(0, 0), anisotropic=1), 2, Pools()).draw(stream(4), (64, 64))
    assert {blur.kernel.sigma_x for blur in chain_blurs(flat)} == {0.01}


@pytest.mark.parametrize("config", [BsrganConfig(), PLUS, RealEsrganConfig()], ids=["bsrgan", "plus", "realesrgan"])
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

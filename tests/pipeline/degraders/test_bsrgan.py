"""Draws of BSRGAN and BSRGAN+ against the published numbers."""

from __future__ import annotations

from itertools import pairwise
from math import pi, sqrt

import numpy as np

from pairmill.pipeline import degraders
from pairmill.pipeline.degraders import Pools
from pairmill.pipeline.degraders.bsrgan import classic_order, plus_order
from pairmill.pipeline.degraders.sampling import covariance
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.ops.blur import Blur, GaussianKernel, Kernel, UnsharpMask
from pairmill.schemas.ops.camera import Mosaic
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import GaussianNoise, PoissonNoise, SpeckleNoise
from pairmill.schemas.ops.resize import BicubicDown, Resize, Subsample
from pairmill.schemas.program import Program
from tests.support.sampling import SIDE, N, drawn, ellipses, evenly, of, often, shares, whole


def halved(program: Program) -> bool:
    first = program.ops[0]
    return isinstance(first, BicubicDown) or (
        isinstance(first, Resize) and first.height == SIDE // 2
    )


def chain_blurs(program: Program) -> list[Blur]:
    """The two blurs of the chain, without the kernel of a downscaling."""
    return [
        op
        for op, then in pairwise(program.ops)
        if isinstance(op, Blur) and not isinstance(then, Subsample)
    ]


def test_bsrgan_frequencies() -> None:
    programs = drawn(BsrganConfig())
    often(sum(map(halved, programs)), 0.25)
    often(sum(isinstance(program.ops[0], BicubicDown) for program in programs), 0.125)
    shares((len(of(program, Jpeg)) for program in programs), {1: 0.1, 2: 0.9})
    assert all(isinstance(program.ops[-1], Jpeg) for program in programs)
    assert all(
        len(chain_blurs(program)) == 2 and len(of(program, GaussianNoise)) == 1
        for program in programs
    )
    often(sum(bool(of(program, Subsample)) for program in programs), 0.25)
    assert not any(
        of(program, Mosaic, PoissonNoise, SpeckleNoise, UnsharpMask) for program in programs
    )
    resizes = [op for program in programs for op in of(program, Resize)]
    shares((op.method for op in resizes), {"bilinear": 1, "bicubic": 1, "area": 1})


def test_bsrgan_blurs() -> None:
    programs = drawn(BsrganConfig())
    shares(
        (blur.kernel.size for program in programs for blur in chain_blurs(program)), whole(7, 25, 2)
    )
    for half, variance, sigma in ((False, 8.0, 2.8), (True, 6.0, 2.4)):
        blurs = [
            blur for program in programs if halved(program) == half for blur in chain_blurs(program)
        ]
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


def sigma_x(kernel: Kernel) -> float:
    assert isinstance(kernel, GaussianKernel)
    return kernel.sigma_x


def test_bsrgan_reduction() -> None:
    """1 / U(1, 2 s), or a Gaussian of U(0.1, 0.6 s) whose centre is (s - 1) / 2 off; then to the
    size of the LR."""
    whole_images = [program for program in drawn(BsrganConfig()) if not halved(program)]
    first = [next(iter(of(program, Resize, Subsample))) for program in whole_images]
    evenly((SIDE / op.width for op in first if isinstance(op, Resize)), 1, 8.01)
    before = [
        op.kernel
        for program in whole_images
        for op, then in pairwise(program.ops)
        if isinstance(op, Blur) and isinstance(then, Subsample)
    ]
    assert {(kernel.size, kernel.shift) for kernel in before} == {(25, (1.5, 1.5))}
    evenly((sigma_x(kernel) for kernel in before), 0.1, 2.4)
    assert all(
        of(program, Resize, Subsample)[-1].width == SIDE // 4
        for program in whole_images
        if of(program, Resize) and not of(program, Subsample)
    )


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
        assert not any(
            of(degrader.draw(stream(1, number), (480, 480)), BicubicDown) for number in range(50)
        )
    all_halved = degraders.build(BsrganConfig(halve=1, halve_matlab=1), 4, Pools())
    assert all(
        isinstance(all_halved.draw(stream(1, number), (480, 480)).ops[0], BicubicDown)
        for number in range(50)
    )


PLUS = BsrganConfig(chain="plus")


def sides(program: Program) -> list[float]:
    """Ratios of the sides after to before each resize but the last, which leads to the LR."""
    widths = [SIDE, *(op.width for op in of(program, Resize))]
    return [after / before for before, after in pairwise(widths)][:-1]


def test_plus_frequencies() -> None:
    programs = drawn(PLUS)
    assert all(
        program.ops[0] == UnsharpMask() and isinstance(program.ops[-1], Jpeg)
        for program in programs
    )
    assert all(
        (len(of(p, Blur)), len(of(p, GaussianNoise)), len(of(p, Jpeg))) == (2, 2, 2)
        for p in programs
    )
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
    """Half of the time everything is shuffled, else only the noises of each half among
    themselves."""
    orders = [plus_order(stream(1, number), 0.5) for number in range(N)]
    often(sum(order[6] == "jpeg" for order in orders), 0.5 + 0.5 / 13)
    often(sum(order[2] == "noise" for order in orders), 0.5 / 4 + 0.5 * 2 / 13)
    often(sum(order[9] == "camera" for order in orders), 0.5 / 4 + 0.5 * 2 / 13)
    fixed = [plus_order(stream(1, number), 0.0) for number in range(200)]
    assert {tuple(order[:2] + order[6:9]) for order in fixed} == {
        ("blur", "resize", "jpeg", "blur", "resize")
    }
    assert {tuple(sorted(order[2:6])) for order in fixed} == {
        ("camera", "noise", "poisson", "speckle")
    }


def test_correlated_noise() -> None:
    """Entries of |U^T D U|, D = diag(3 x U(0, 1)): the trace is that of D, mean 3 / 2 and variance
    3 / 12; all are definite."""
    found = np.array([covariance(stream(5, number), 25.0) for number in range(2000)])
    trace = np.trace(found, axis1=1, axis2=2) / 625
    assert abs(trace.mean() - 1.5) < 4.5 * 0.5 / sqrt(2000)
    assert abs(trace.std() - 0.5) < 0.04
    assert (found >= 0).all()
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(found).min() > 0
    np.testing.assert_allclose(
        covariance(stream(5, 1), 25 / 255),
        np.array(covariance(stream(5, 1), 25.0)) / 255**2,
        rtol=1.1e-5,
    )


def test_zero_draws_are_floored() -> None:
    """A variance of nearly 0 would be a singular covariance."""
    flat = degraders.build(BsrganConfig(variance=(0, 0), anisotropic=1), 2, Pools()).draw(
        stream(4), (64, 64)
    )
    assert {sigma_x(blur.kernel) for blur in chain_blurs(flat)} == {0.01}


def order_of(program: Program) -> str:
    """B for a blur, N for noise, J for JPEG."""
    letters = {Blur: "B", GaussianNoise: "N", Jpeg: "J"}
    return "".join(letters[type(op)] for op in program.ops if type(op) in letters)


def test_the_order_of_a_camera_on_request() -> None:
    """Two blurs, the downscaling, noise, the JPEG in the chain and the one at the end."""
    plain = {"in_order": 1.0, "jpeg": 1.0, "kernel_reduction": 0.0}
    programs = drawn(BsrganConfig.model_validate(plain))[:200]
    assert {order_of(program) for program in programs} == {"BBNJJ"}
    some = drawn(BsrganConfig.model_validate(plain | {"in_order": 0.5}))
    often(
        sum(order_of(program) == "BBNJJ" for program in some), 0.5 + 0.5 / 12
    )  # of twelve orders, one is that


def test_a_narrow_direction() -> None:
    programs = drawn(BsrganConfig(anisotropic=1.0, angle=(0.5, 0.6)))[:200]
    kernels = [blur.kernel for program in programs for blur in chain_blurs(program)]
    ovals = [kernel for kernel in kernels if isinstance(kernel, GaussianKernel)]
    assert len(ovals) == len(kernels)
    assert all(0.5 <= oval.angle <= 0.6 for oval in ovals)

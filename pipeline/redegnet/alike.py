"""Programs that degrade two images alike, as ReDegNet draws them: the interpreter puts one
program on both.

A program names the key of its noise, so that both images get the same field; it leads back to the
size that it begins with.
"""

from __future__ import annotations

import math

import numpy as np

from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import (
    chance,
    integer,
    key,
    odd,
    one_of,
    shuffled,
    uniform,
    weighted,
)
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.ops.resize import Clip, Method
from pairmill.schemas.program import Program

SIMPLE = 0.2
"""Share of the simple chain."""
KERNELS = {"isotropic": 0.25, "anisotropic": 0.35, "both": 0.2, "none": 0.2}
REDUCTIONS: dict[Method, float] = {"bicubic": 0.5, "bilinear": 0.4, "nearest": 0.1}


def draw_alike(rng: np.random.Generator, shape: tuple[int, int]) -> Program:
    """A program of scale 1 for images of (rows, columns): the simple chain, or the shuffled
    one.
    """
    draft = ProgramBuilder(1, shape)
    if chance(rng, SIMPLE):
        _simple(rng, draft)
    else:
        _shuffled(rng, draft)
    return draft.program()


def _simple(rng: np.random.Generator, draft: ProgramBuilder) -> None:
    """Blur, downscaling, noise, JPEG, in this order, each with its probability."""
    if chance(rng, 0.8):
        sigma = uniform(rng, (0.3, 1.3))
        draft.add(Blur(kernel=GaussianKernel(size=odd(rng, (7, 31)), sigma_x=sigma, sigma_y=sigma)))
    if chance(rng, 0.8):
        _reduce(rng, draft)
    if chance(rng, 0.9):
        _noise(rng, draft, uniform(rng, (3, 24)))
    if chance(rng, 0.9):
        _jpeg(rng, draft, (30, 80))
    draft.to_lr("bilinear")


def _shuffled(rng: np.random.Generator, draft: ProgramBuilder) -> None:
    """The same four in any order, with stronger blur; then perhaps a second JPEG."""
    for step in shuffled(rng, ("blur", "reduce", "noise", "jpeg")):
        if step == "blur":
            _blur(rng, draft)
        elif step == "reduce":
            _reduce(rng, draft)
        elif not chance(rng, 0.7):
            continue
        elif step == "noise":
            _noise(rng, draft, integer(rng, (1, 19)))
        else:
            _jpeg(rng, draft, (30, 85))
    if chance(rng, 0.5):
        _jpeg(rng, draft, (30, 85))
    draft.to_lr(one_of(rng, ("bilinear", "bicubic")))


def _blur(rng: np.random.Generator, draft: ProgramBuilder) -> None:
    shape = weighted(rng, KERNELS)
    if shape in ("isotropic", "both"):
        sigma = uniform(rng, (0.1, 2.8))
        draft.add(Blur(kernel=GaussianKernel(size=odd(rng, (5, 17)), sigma_x=sigma, sigma_y=sigma)))
    if shape in ("anisotropic", "both"):
        first, second, angle = (
            uniform(rng, (0.5, 8)),
            uniform(rng, (0.5, 8)),
            uniform(rng, (0, math.pi)),
        )
        draft.add(
            Blur(
                kernel=GaussianKernel(
                    size=odd(rng, (5, 17)), sigma_x=first, sigma_y=second, angle=angle
                )
            )
        )


def _reduce(rng: np.random.Generator, draft: ProgramBuilder) -> None:
    method = weighted(rng, REDUCTIONS)
    if method == "nearest":
        factor = float(one_of(rng, (2, 4, 6)))
    else:
        factor = uniform(rng, (2, 6))
    draft.resize_clipped(draft.height / factor, draft.width / factor, method)


def _noise(rng: np.random.Generator, draft: ProgramBuilder, sigma: float) -> None:
    draft.add(GaussianNoise(sigma=sigma, key=key(rng)), Clip())


def _jpeg(rng: np.random.Generator, draft: ProgramBuilder, qualities: tuple[int, int]) -> None:
    draft.add(Jpeg(quality=integer(rng, qualities)))

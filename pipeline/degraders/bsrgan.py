"""BSRGAN (Zhang et al., ICCV 2021): blur, downscaling, noise and JPEG in random order.

All ops are centred, resizes are rounded to whole sizes of at least 8 pixels, and the JPEG at the
end is a real one. Sizes on the way follow the published rounding down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.camera import camera_noise
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import (
    chance,
    covariance,
    integer,
    key,
    log_uniform,
    odd,
    short,
    shuffled,
    uniform,
    weighted,
)
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.ranges import EPSILON
from pairmill.schemas.ops.blur import Blur, GaussianKernel, UnsharpMask
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import Covariance, GaussianNoise, Mode, PoissonNoise, SpeckleNoise
from pairmill.schemas.ops.resize import Clip, Method
from pairmill.schemas.program import Program

T = TypeVar("T")
WHITE = 255.0
CLASSIC = ("blur", "blur", "reduce", "to_lr", "noise", "jpeg", "camera")
"""Ops 0 to 6 of the chain of the paper."""
_NOISES = ("noise", "poisson", "speckle", "camera")
PLUS = ("blur", "resize", *_NOISES, "jpeg", "blur", "resize", *_NOISES)
"""Ops 0 to 12 of the later chain."""
NOISES = (slice(2, 6), slice(9, 13))
"""What is shuffled in any case."""


class Bsrgan:
    """Both chains."""

    def __init__(self, config: BsrganConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        self.config, self.scale = config, scale

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        chain = _Classic if self.config.chain == "bsrgan" else _Plus
        return chain(self.config, rng, ProgramBuilder(self.scale, hr_shape)).draw()


class _Chain:
    """What both chains share; `s` is the downscaling that is still to come."""

    def __init__(
        self, config: BsrganConfig, rng: np.random.Generator, draft: ProgramBuilder
    ) -> None:
        self.given, self.rng, self.draft = config, rng, draft
        self.still(draft.scale)

    def still(self, s: int) -> None:
        """Go on with `s` as the downscaling that is still to come."""
        self.s, self.config = s, self.given.filled(s)

    def method(self) -> Method:
        return weighted(self.rng, self.config.methods)

    def blur(self) -> None:
        size = odd(self.rng, self.config.blur_size)
        if chance(self.rng, self.config.anisotropic):
            variance = some(self.config.variance)
            first, second = (math.sqrt(max(uniform(self.rng, variance), EPSILON)) for _ in range(2))
            angle = uniform(self.rng, some(self.config.angle))
        else:
            first = max(uniform(self.rng, some(self.config.sigma)), math.sqrt(EPSILON))
            second, angle = first, 0.0
        kernel = GaussianKernel(size=size, sigma_x=short(first), sigma_y=short(second), angle=angle)
        self.draft.add(Blur(kernel=kernel))

    def noise(self) -> None:
        mode, sigma, spread = self._level(1.0)
        self.draft.add(
            GaussianNoise(mode=mode, sigma=sigma, covariance=spread, key=key(self.rng)), Clip()
        )

    def speckle(self) -> None:
        if chance(self.rng, self.config.speckle):
            mode, sigma, spread = self._level(WHITE)
            self.draft.add(
                SpeckleNoise(mode=mode, sigma=sigma, covariance=spread, key=key(self.rng)), Clip()
            )

    def _level(self, unit: float) -> tuple[Mode, float, Covariance | None]:
        """Mode, level in `unit` intensity levels, and covariance; correlated noise has the largest
        level whatever is drawn.
        """
        level = integer(self.rng, self.config.noise)
        mode: Mode = weighted(self.rng, self.config.noise_modes)
        if mode == "correlated":
            return mode, 0.0, covariance(self.rng, self.config.noise[1] / unit)
        return mode, short(level / unit), None

    def poisson(self) -> None:
        if chance(self.rng, self.config.poisson):
            photons = log_uniform(self.rng, self.config.photons)
            grey = chance(self.rng, self.config.poisson_grey)
            self.draft.add(PoissonNoise(peak=photons, grey=grey, key=key(self.rng)), Clip())

    def camera(self) -> None:
        if chance(self.rng, self.config.camera):
            self.draft.add(*camera_noise(self.rng))

    def jpeg(self) -> None:
        if chance(self.rng, some(self.config.jpeg)):
            self.last_jpeg()

    def last_jpeg(self) -> None:
        self.draft.add(Jpeg(quality=integer(self.rng, self.config.jpeg_quality)))


class _Classic(_Chain):
    """Seven ops in random order (`degradation_bsrgan`)."""

    def draw(self) -> Program:
        if self.draft.scale == 4 and chance(self.rng, self.config.halve):
            self.halve()
        self.start = (self.draft.height, self.draft.width)
        for op in self.order_of_ops():
            getattr(self, op)()
        self.last_jpeg()
        return self.draft.program()

    def order_of_ops(self) -> Sequence[str]:
        """Nothing is drawn for the camera's order where the recipe does not ask for it."""
        if self.config.in_order and chance(self.rng, self.config.in_order):
            return CLASSIC
        return classic_order(self.rng)

    def halve(self) -> None:
        if chance(self.rng, self.config.halve_matlab):
            self.draft.reduce(2)
            self.draft.add(Clip())
        else:
            self.draft.resize_clipped(self.draft.height // 2, self.draft.width // 2, self.method())
        self.still(2)

    def reduce(self) -> None:
        if not chance(self.rng, self.config.kernel_reduction):
            factor = uniform(self.rng, some(self.config.reduction))
            self.draft.resize_clipped(
                self.draft.height / factor, self.draft.width / factor, self.method()
            )
            return
        sigma = uniform(self.rng, some(self.config.reduction_sigma))
        kernel = GaussianKernel(
            size=odd(self.rng, self.config.reduction_size), sigma_x=sigma, sigma_y=sigma
        )
        self.draft.add(Blur(kernel=kernel))
        self.draft.subsample(self.s)

    def to_lr(self) -> None:
        self.draft.resize_clipped(self.start[0] // self.s, self.start[1] // self.s, self.method())


class _Plus(_Chain):
    """Thirteen ops (`degradation_bsrgan_plus`)."""

    def draw(self) -> Program:
        if self.config.sharpen:
            self.draft.add(UnsharpMask())
        for op in plus_order(self.rng, self.config.shuffle):
            getattr(self, op)()
        self.draft.resize_clipped(*self.draft.lr, self.method())
        self.last_jpeg()
        return self.draft.program()

    def resize(self) -> None:
        direction = weighted(self.rng, self.config.directions)
        method = self.method()
        if direction != "keep":
            if direction == "up":
                bounds = self.config.up
            else:
                bounds = some(self.config.down)
            factor = uniform(self.rng, bounds)
            self.draft.resize_clipped(self.draft.height * factor, self.draft.width * factor, method)


def some(value: T | None) -> T:
    """A setting that `BsrganConfig.filled` has given a value."""
    assert value is not None
    return value


def classic_order(rng: np.random.Generator) -> list[str]:
    """The seven ops in random order, the two downscaling steps in theirs."""
    order = shuffled(rng, CLASSIC)
    first, last = order.index("reduce"), order.index("to_lr")
    if first > last:
        order[first], order[last] = order[last], order[first]
    return order


def plus_order(rng: np.random.Generator, shuffle: float) -> list[str]:
    """The thirteen ops: all shuffled, or only the noises of each half."""
    if chance(rng, shuffle):
        return shuffled(rng, PLUS)
    order = list(PLUS)
    for noises in NOISES:
        order[noises] = shuffled(rng, order[noises])
    return order

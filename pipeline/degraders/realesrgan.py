"""Real-ESRGAN (Wang et al., ICCVW 2021): two orders of blur, resize, noise and JPEG, and a sinc
filter.

Everything is drawn per sample. JPEGs are real ones with whole qualities, where the published code
has a differentiable approximation. The LR is made of the sharpened HR; the stored HR stays as it
is.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import chance, integer, key, odd, uniform, weighted
from pairmill.schemas.degraders.realesrgan import FirstOrder, RealEsrganConfig
from pairmill.schemas.ops.blur import (
    Blur,
    GaussianKernel,
    GeneralisedKernel,
    Kernel,
    PlateauKernel,
    SincKernel,
    UnsharpMask,
)
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import GaussianNoise, PoissonNoise
from pairmill.schemas.ops.resize import Clip
from pairmill.schemas.program import Program

SMALL_SINC = 13
"""Sinc filters below this side, in pixels, have the higher cut-offs."""


class RealEsrgan:
    """The second-order degradation."""

    def __init__(self, config: RealEsrganConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        self.config, self.scale = config, scale

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        draft, config = ProgramBuilder(self.scale, hr_shape), self.config
        if config.sharpen:
            draft.add(UnsharpMask())
        self._order(rng, draft, config.first, hr_shape)
        draft.add(_jpeg(rng, config.first))
        self._order(rng, draft, config.second, draft.lr)
        jpeg = _jpeg(rng, config.second)
        if chance(rng, config.jpeg_last):
            self._to_lr(rng, draft)
            draft.add(jpeg)
        else:
            draft.add(jpeg)
            self._to_lr(rng, draft)
        return draft.program()

    def _order(
        self,
        rng: np.random.Generator,
        draft: ProgramBuilder,
        order: FirstOrder,
        sides: tuple[int, int],
    ) -> None:
        """Blur, resize relative to `sides`, noise."""
        if chance(rng, order.blur):
            draft.add(Blur(kernel=draw_kernel(rng, order)))
        direction, method = weighted(rng, order.directions), weighted(rng, self.config.methods)
        bounds = {"up": order.up, "down": order.down, "keep": (1.0, 1.0)}[direction]
        factor = uniform(rng, bounds)
        draft.resize(sides[0] * factor, sides[1] * factor, method)
        draft.add(_noise(rng, order), Clip())

    def _to_lr(self, rng: np.random.Generator, draft: ProgramBuilder) -> None:
        draft.to_lr(weighted(rng, self.config.methods))
        if chance(rng, self.config.final_sinc):
            size, cutoff = (
                odd(rng, self.config.final_sinc_size),
                uniform(rng, self.config.final_sinc_cutoff),
            )
            draft.add(Blur(kernel=SincKernel(size=size, cutoff=cutoff)))


def draw_kernel(rng: np.random.Generator, order: FirstOrder) -> Kernel:
    """A sinc filter or one of the mixed kernels."""
    size = odd(rng, order.blur_size)
    if chance(rng, order.sinc):
        return SincKernel(
            size=size,
            cutoff=uniform(
                rng, order.sinc_cutoff if size < SMALL_SINC else order.sinc_cutoff_large
            ),
        )
    shape = weighted(rng, order.shapes)
    sigma_x = sigma_y = uniform(rng, order.sigma)
    angle = 0.0
    if shape.endswith("anisotropic"):
        sigma_y, angle = uniform(rng, order.sigma), uniform(rng, order.angle)
    if shape.startswith("generalised"):
        beta = uniform(rng, order.beta_pointed if chance(rng, 0.5) else order.beta_flat)
        return GeneralisedKernel(
            size=size, sigma_x=sigma_x, sigma_y=sigma_y, angle=angle, beta=beta
        )
    if shape.startswith("plateau"):
        if chance(rng, 0.5):
            beta = order.beta_plateau[0]
        else:
            beta = uniform(rng, order.beta_plateau)
        return PlateauKernel(size=size, sigma_x=sigma_x, sigma_y=sigma_y, angle=angle, beta=beta)
    return GaussianKernel(size=size, sigma_x=sigma_x, sigma_y=sigma_y, angle=angle)


def _noise(rng: np.random.Generator, order: FirstOrder) -> GaussianNoise | PoissonNoise:
    if chance(rng, order.gaussian):
        sigma, grey = uniform(rng, order.gaussian_sigma), chance(rng, order.grey)
        return GaussianNoise(mode="grey" if grey else "colour", sigma=sigma, key=key(rng))
    strength, grey = uniform(rng, order.poisson_strength), chance(rng, order.grey)
    return PoissonNoise(peak="levels", strength=strength, grey=grey, key=key(rng))


def _jpeg(rng: np.random.Generator, order: FirstOrder) -> Jpeg:
    return Jpeg(quality=integer(rng, order.jpeg_quality))

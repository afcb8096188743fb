"""IKC (Gu et al., CVPR 2019): Gaussian blur of a uniform width, MATLAB's bicubic downscaling,
optional noise.

The blurred image is not rounded to 8 bits before it is downscaled, as the published code does;
everything is rounded once.
"""

from __future__ import annotations

import math

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import chance, key, short, uniform
from pairmill.schemas.degraders.ikc import GaussianBlurBase, IkcConfig
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.program import Program


class Ikc:
    """Isotropic Gaussian kernels, unless the recipe asks for others."""

    def __init__(self, config: IkcConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        self.config, self.scale = config, scale

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        draft = ProgramBuilder(self.scale, hr_shape)
        draft.add(draw_blur(rng, self.config, self.scale))
        draft.reduce(self.scale)
        if chance(rng, self.config.noise):
            draft.add(GaussianNoise(sigma=uniform(rng, self.config.noise_sigma), key=key(rng)))
        return draft.program()


def draw_blur(rng: np.random.Generator, config: GaussianBlurBase, scale: int) -> Blur:
    """The blur of a width that depends on the scale."""
    low, high = config.widths(scale)
    first, angle = uniform(rng, (low, high)), 0.0
    second = first
    if chance(rng, config.anisotropic):
        second = short(min(max(3.0 * float(rng.random()) * first, low), high))
        angle = uniform(rng, (-math.pi, math.pi))
    return Blur(kernel=GaussianKernel(size=config.size, sigma_x=first, sigma_y=second, angle=angle))

"""SRMD (Zhang et al., CVPR 2018): anisotropic Gaussian blur, MATLAB's bicubic downscaling, white
noise.
"""

from __future__ import annotations

import math

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import chance, key, short, uniform
from pairmill.schemas.degraders.ranges import EPSILON
from pairmill.schemas.degraders.srmd import SrmdConfig
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.program import Program


class Srmd:
    """Both variances and the angle of the kernel, and the level of the noise."""

    def __init__(self, config: SrmdConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        self.config, self.scale = config, scale

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        config, draft = self.config, ProgramBuilder(self.scale, hr_shape)
        angle, least = uniform(rng, (0.0, math.pi)), config.variance[0]
        long = least + (config.variance[1] - least) * float(rng.random())
        short_axis = least + (long - least) * float(rng.random())
        first, second = (
            short(math.sqrt(max(variance, EPSILON))) for variance in (long, short_axis)
        )
        kernel = GaussianKernel(size=config.size, sigma_x=first, sigma_y=second, angle=angle)
        draft.add(Blur(kernel=kernel, border=config.border))
        draft.reduce(self.scale)
        if not chance(rng, config.clean):
            draft.add(GaussianNoise(sigma=uniform(rng, config.noise), key=key(rng)))
        return draft.program()

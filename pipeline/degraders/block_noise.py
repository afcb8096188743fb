"""Noise of another strength in each block of 8 x 8 pixels, with IKC's blur and downscaling after
it.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.ikc import draw_blur
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import key
from pairmill.schemas.degraders.block_noise import BlockNoiseConfig
from pairmill.schemas.ops import noise
from pairmill.schemas.ops.resize import Clip
from pairmill.schemas.program import Program


class BlockNoise:
    """Locally constant, globally varying noise, added to the HR or to the LR."""

    def __init__(self, config: BlockNoiseConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        self.config, self.scale = config, scale

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        draft = ProgramBuilder(self.scale, hr_shape)
        field = (
            noise.BlockNoise(block=self.config.block, sigma=self.config.sigma, key=key(rng)),
            Clip(),
        )
        if self.config.added_to == "hr":
            draft.add(*field)
        draft.add(draw_blur(rng, self.config, self.scale))
        draft.reduce(self.scale)
        if self.config.added_to == "lr":
            draft.add(*field)
        return draft.program()

"""Compression only: bicubic downscaling, then one codec, or several in a row, of a list."""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.custom import add_step
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import weighted_index
from pairmill.schemas.degraders.codec import CodecConfig
from pairmill.schemas.program import Program


class Codec:
    """One entry of the list, by weight."""

    def __init__(self, config: CodecConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        self.config, self.scale = config, scale

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        draft = ProgramBuilder(self.scale, hr_shape)
        draft.reduce(self.scale, self.config.form)
        chosen = self.config.codecs[
            weighted_index(rng, [choice.weight for choice in self.config.codecs])
        ]
        for step in chosen.ops:
            add_step(rng, draft, step)
        return draft.program()

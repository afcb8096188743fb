"""The control: MATLAB's bicubic downscaling, the degradation that SR networks are usually
trained on.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.schemas.degraders.bicubic import BicubicConfig
from pairmill.schemas.ops.resize import BicubicDown, Quantise
from pairmill.schemas.program import Program


class Bicubic:
    """Always the same program."""

    def __init__(self, config: BicubicConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        down = BicubicDown(scale=scale, form=config.form)
        self.program = Program(scale=scale, ops=(down, Quantise()))

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:  # noqa: ARG002
        """See `Degrader.draw`."""
        return self.program

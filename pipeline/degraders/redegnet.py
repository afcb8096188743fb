"""ReDegNet (Li et al., ECCV 2022): the degradation of a real pair, on an HR tile, then MATLAB's
bicubic downscaling.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import chance, key, uniform
from pairmill.pipeline.rng import pick
from pairmill.schemas.degraders.redegnet import RedegnetConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops.learned import Redegnet as RedegnetOp
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.ops.resize import Clip
from pairmill.schemas.program import Program


class Redegnet:
    """A draw is a row of the pool of representations, and perhaps the key of some noise."""

    def __init__(self, config: RedegnetConfig, scale: int, pools: Pools) -> None:
        if not {"redegnet", "codes"} <= pools.keys():
            raise UserError(
                "degrader redegnet has no fitted SynNet to draw from",
                wanted="a fit on the recipe's images.pairs",
                todo="run `pairmill fit redegnet RECIPE`, or `pairmill build RECIPE`, which fits "
                "it too",
            )
        self.config, self.scale, self.checkpoint, self.codes = (
            config,
            scale,
            pools["redegnet"].digest,
            pools["codes"],
        )

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        draft = ProgramBuilder(self.scale, hr_shape)
        draft.add(
            RedegnetOp(
                checkpoint=self.checkpoint,
                pool=self.codes.digest,
                index=pick(rng, self.codes.count),
            )
        )
        if chance(rng, self.config.noise):
            draft.add(
                GaussianNoise(sigma=uniform(rng, self.config.noise_sigma), key=key(rng)), Clip()
            )
        draft.reduce(self.scale)
        return draft.program()

"""ReDegNet (Li et al., ECCV 2022): the degradation of a real pair, on an HR tile, then MATLAB's bicubic reduction."""

from __future__ import annotations

import numpy as np

from pipeline.degraders.base import Pools
from pipeline.degraders.draft import Draft
from pipeline.degraders.draws import chance, key, uniform
from pipeline.rng import pick
from schemas.degraders.redegnet import RedegnetConfig
from schemas.errors import UserError
from schemas.ops.learned import Redegnet as RedegnetOp
from schemas.ops.noise import GaussianNoise
from schemas.ops.resize import Clip
from schemas.program import Program


class Redegnet:
    """A draw is a row of the pool of representations, and perhaps the key of some noise."""

    def __init__(self, config: RedegnetConfig, scale: int, pools: Pools) -> None:
        if pools.redegnet is None or pools.codes is None:
            raise UserError(
                "degrader redegnet has no fitted SynNet to draw from",
                wanted="a fit on the recipe's images.pairs",
                todo="run `pairmill fit redegnet RECIPE`, or `pairmill build RECIPE`, which fits it too",
            )
        self.config, self.scale, self.checkpoint, self.codes = config, scale, pools.redegnet.digest, pools.codes

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        draft = Draft(self.scale, hr_shape)
        draft.add(RedegnetOp(checkpoint=self.checkpoint, pool=self.codes.digest, index=pick(rng, self.codes.count)))
        if chance(rng, self.config.noise):
            draft.add(GaussianNoise(sigma=uniform(rng, self.config.noise_sigma), key=key(rng)), Clip())
        draft.reduce(self.scale)
        return draft.program()

"""Real pairs: the LR of a program is a photograph of the scene that its HR tile shows."""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.rng import pick
from pairmill.schemas.degraders.aligned import AlignedConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops.pooled import Aligned as AlignedOp
from pairmill.schemas.program import Program


class Aligned:
    """A draw is a row of the pool, all as likely; of a given HR tile it is `program`."""

    def __init__(self, config: AlignedConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        if "aligned" not in pools:
            raise UserError(
                "degrader aligned has no real pairs to draw from",
                wanted="pairs in the recipe's images.aligned that register",
                todo="run `pairmill build RECIPE`, which registers them; `pairmill pool aligned "
                "RECIPE` does nothing else",
            )
        self.scale, self.pool = scale, pools["aligned"]

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:  # noqa: ARG002
        """See `Degrader.draw`; the program is of the HR tile of its row."""
        return self.program(pick(rng, self.pool.count))

    def program(self, row: int) -> Program:
        """See `OwnHr.program`."""
        return Program(scale=self.scale, ops=(AlignedOp(pool=self.pool.digest, index=row),))

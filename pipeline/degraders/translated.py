"""Degradations that a translator has learned from unpaired images: what all methods share."""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.sampling import key
from pairmill.schemas.degraders.translated import TranslatedBase
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops.learned import Translate
from pairmill.schemas.ops.resize import Quantise
from pairmill.schemas.program import Program


class Translated:
    """A draw is the key of a stream; the checkpoint turns the stream into a degradation."""

    def __init__(self, config: TranslatedBase, scale: int, pools: Pools) -> None:
        if config.kind not in pools:
            raise UserError(
                f"degrader {config.kind} has no fitted checkpoint to draw from",
                wanted="a fit on the recipe's real images",
                todo=f"run `pairmill fit {config.kind} RECIPE`, or `pairmill build RECIPE`, which "
                "fits it too",
            )
        self.scale, self.checkpoint = scale, pools[config.kind].digest

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:  # noqa: ARG002
        """See `Degrader.draw`."""
        return Program(
            scale=self.scale, ops=(Translate(pool=self.checkpoint, key=key(rng)), Quantise())
        )

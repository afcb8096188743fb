"""PDM (Luo et al., CVPR 2022): y = (x * k) subsampled + n, kernel and noise drawn by networks
fitted to the real images. Where the fit knew how they are compressed, LR is compressed last.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.sampling import key
from pairmill.pipeline.rng import pick
from pairmill.schemas.degraders.pdm import PdmConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops.learned import Pdm as PdmOp
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.ops.resize import Quantise
from pairmill.schemas.program import Program


class Pdm:
    """A draw is the key of a stream; the checkpoint turns the stream into a kernel and noise."""

    def __init__(self, config: PdmConfig, scale: int, pools: Pools) -> None:
        if "pdm" not in pools:
            raise UserError(
                "degrader pdm has no fitted checkpoint to draw from",
                wanted="a fit on the recipe's real images",
                todo="run `pairmill fit pdm RECIPE`, or `pairmill build RECIPE`, which fits it too",
            )
        self.scale, self.checkpoint = scale, pools["pdm"].digest
        self.compression = pools.get("compression")
        if config.compression == "off" or not pools["pdm"].codec:
            self.compression = None

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:  # noqa: ARG002
        """See `Degrader.draw`."""
        learned = PdmOp(pool=self.checkpoint, key=key(rng))
        return Program(scale=self.scale, ops=(learned, Quantise(), *self._jpeg(rng)))

    def _jpeg(self, rng: np.random.Generator) -> tuple[PooledJpeg, ...]:
        """One of the codecs of the real images, as often as they were compressed."""
        pool = self.compression
        if pool is None or float(rng.random()) >= pool.share:
            return ()
        index, phase = pick(rng, pool.count), (pick(rng, 16), pick(rng, 16))
        return (PooledJpeg(pool=pool.digest, index=index, phase=phase),)

"""KMSR (Zhou and Süsstrunk, ICCV 2019): I_LR = (I_HR * k) subsampled (+ n), k estimated or
generated.

The original blurs at full resolution and never subsamples, so that SR becomes deblurring; here LR
is small, and kernels are centred so that it lies on HR. Half the kernels are estimated ones, as in
the original's pool of 1000 and 1000.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.noise.inject import draw_placements
from pairmill.pipeline.rng import pick
from pairmill.schemas.degraders.kmsr import KmsrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.pooled import Inject, PooledBlur
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.program import Program


class Kmsr:
    """A kernel of one of two pools, then, if asked for, crops of noise patches with a common
    strength.
    """

    def __init__(self, config: KmsrConfig, scale: int, pools: Pools) -> None:
        self.config, self.scale = config, scale
        self.estimated = _present(
            pools.get("kernels"),
            "estimated kernel",
            "give real images in images.real, or take degrader bicubic",
        )
        self.generated = _present(
            pools.get("generated_kernels"),
            "generated kernel",
            "`pairmill build RECIPE` makes them; see the recipe's section kmsr",
        )
        noise = pools.get("noise")
        self.noise = _present(noise, "noise patch", "set noise: false") if config.noise else None

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        if float(rng.random()) < self.config.real:
            pool = self.estimated
        else:
            pool = self.generated
        blur = PooledBlur(pool=pool.digest, index=pick(rng, pool.count))
        ops: tuple[Op, ...] = (
            blur,
            Subsample(scale=self.scale),
            *self._inject(rng, hr_shape),
            Quantise(),
        )
        return Program(scale=self.scale, ops=ops)

    def _inject(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> tuple[Inject, ...]:
        if self.noise is None:
            return ()
        low, high = self.config.strength
        strength = round(low + (high - low) * float(rng.random()), 4)
        lr_shape = (hr_shape[0] // self.scale, hr_shape[1] // self.scale)
        placements = draw_placements(rng, lr_shape, self.noise.side, self.noise.count)
        return (Inject(pool=self.noise.digest, strength=strength, placements=placements),)


def _present(pool: PoolInfo | None, what: str, todo: str) -> PoolInfo:
    if pool is None or pool.count == 0:
        raise UserError(
            f"degrader kmsr has no {what} to draw from", wanted="at least one", todo=todo
        )
    return pool

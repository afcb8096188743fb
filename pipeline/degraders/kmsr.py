"""KMSR (Zhou and Süsstrunk, ICCV 2019): I_LR = (I_HR * k) subsampled (+ n), k estimated or
generated.

The original blurs at full resolution and never subsamples, so that SR becomes deblurring; here LR
is small, and kernels are centred so that it lies on HR. Half the kernels are estimated ones, as in
the original's pool of 1000 and 1000.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.degraders.one_group import OneGroup, rows_of
from pairmill.schemas.degraders.kmsr import KmsrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.pooled import Inject
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.program import Program


class Kmsr:
    """A kernel of one of two pools, then, if asked for, crops of noise patches with a common
    strength.
    """

    def __init__(self, config: KmsrConfig, scale: int, pools: Pools) -> None:
        self.config, self.scale = config, scale
        estimated = _present(
            pools.get("kernels"),
            "estimated kernel",
            "give real images in images.real, or take degrader bicubic",
        )
        generated = _present(
            pools.get("generated_kernels"),
            "generated kernel",
            "`pairmill build RECIPE` makes them; see the recipe's section kmsr",
        )
        noise = pools.get("noise") if config.noise else None
        if config.noise:
            noise = _present(noise, "noise patch", "set noise: false")
        self.group = OneGroup(*(pool for pool in (estimated, noise) if pool))
        # Generated kernels come from all estimated ones together, so every group draws from all.
        self.estimated, self.generated = rows_of(estimated), rows_of(generated)
        self.noise = rows_of(noise) if noise else None

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        group = self.group.draw(rng)
        if float(rng.random()) < self.config.real:
            kernels = self.estimated
        else:
            kernels = self.generated
        ops: tuple[Op, ...] = (
            kernels[group].blur(rng),
            Subsample(scale=self.scale),
            *self._inject(rng, hr_shape, group),
            Quantise(),
        )
        return Program(scale=self.scale, ops=ops)

    def _inject(
        self, rng: np.random.Generator, hr_shape: tuple[int, int], group: int | None
    ) -> tuple[Inject, ...]:
        if self.noise is None:
            return ()
        lr_shape = (hr_shape[0] // self.scale, hr_shape[1] // self.scale)
        return (self.noise[group].inject(rng, lr_shape, self.config.strength),)


def _present(pool: PoolInfo | None, what: str, todo: str) -> PoolInfo:
    if pool is None or pool.count == 0:
        raise UserError(
            f"degrader kmsr has no {what} to draw from", wanted="at least one", todo=todo
        )
    return pool

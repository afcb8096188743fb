"""RealSR (Ji et al., CVPRW 2020): I_LR = (I_HR * k) subsampled + n, with k and n from pools.

The noise goes into the stored LR. Unlike the original, kernels are centred, noise covers tiles of
any size without seams, and everything is rounded once. If the real images were JPEGs, LR is
compressed last, the way one of them was (after the noise of compressed images was given back what
compression had taken, see `pairmill.pipeline.compression.restore`).
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.noise.inject import draw_placements
from pairmill.pipeline.rng import pick
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.pooled import Inject, PooledBlur, PooledJpeg
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.program import Program


class RealSr:
    """A kernel of the pool, then crops of noise patches with a common strength."""

    def __init__(self, config: RealSrConfig, scale: int, pools: Pools) -> None:
        self.config, self.scale = config, scale
        self.kernels = _present(pools.get("kernels"), "kernel")
        self.noise = _present(pools.get("noise"), "noise")
        self.compression = pools.get("compression") if config.compression != "off" else None
        if config.compression == "always":
            self.compression = _compressed(pools.get("compression"))

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        low, high = self.config.strength
        lr_shape = (hr_shape[0] // self.scale, hr_shape[1] // self.scale)
        blur = PooledBlur(pool=self.kernels.digest, index=pick(rng, self.kernels.count))
        strength = round(low + (high - low) * float(rng.random()), 4)
        placements = draw_placements(rng, lr_shape, self.noise.side, self.noise.count)
        inject = Inject(pool=self.noise.digest, strength=strength, placements=placements)
        ops: tuple[Op, ...] = (blur, Subsample(scale=self.scale), inject, Quantise())
        return Program(scale=self.scale, ops=(*ops, *self._jpeg(rng)))

    def _jpeg(self, rng: np.random.Generator) -> tuple[PooledJpeg, ...]:
        """Nothing, and nothing drawn, without a pool: programs of images that are not compressed
        stay what they are.
        """
        pool = self.compression
        if pool is None:
            return ()
        compressed = float(rng.random()) < pool.share or self.config.compression == "always"
        index, phase = pick(rng, pool.count), (pick(rng, 16), pick(rng, 16))
        if compressed:
            return (PooledJpeg(pool=pool.digest, index=index, phase=phase),)
        return ()


def _compressed(pool: PoolInfo | None) -> PoolInfo:
    if pool is None or pool.count == 0:
        raise UserError(
            "degrader realsr has `compression: always` but no compression pool to draw from",
            where="recipe key compression of degrader realsr",
            wanted="compressed real images, at least compression.min_share of all",
            todo="set compression: auto, or lower compression.min_share; `pairmill pool "
            "compression` shows what was found",
        )
    return pool


def _present(pool: PoolInfo | None, kind: str) -> PoolInfo:
    if pool is None or pool.count == 0:
        raise UserError(
            f"degrader realsr has no {kind} pool to draw from",
            wanted=f"at least one accepted {kind}",
            todo="give real images in images.real, or take degrader bicubic",
        )
    return pool

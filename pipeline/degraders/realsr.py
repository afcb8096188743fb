"""RealSR (Ji et al., CVPRW 2020): I_LR = (I_HR * k) subsampled + n, with k and n from pools.

The noise goes into the stored LR. Unlike the original, kernels are centred, noise covers tiles of
any size without seams, is as strong as the camera's at the level of each pixel, and everything is
rounded once. On request it is not laid on but made on the camera's sensor: white there, and
correlated by what comes after. If the real images were JPEGs, LR is compressed last, the way one of
them was (after the noise of compressed images was given back what compression had taken, see
`pairmill.pipeline.compression.restore`). Where the real images are several groups that share a
camera each, all of a sample comes from one of them.
"""

from __future__ import annotations

import numpy as np

from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.degraders.camera import raw_noise
from pairmill.pipeline.degraders.one_group import OneGroup, rows_of
from pairmill.pipeline.rng import pick
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.noise_levels import RawNoise
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.program import Program


class RealSr:
    """A kernel of the pool, then noise: crops of patches, or the sensor's."""

    def __init__(self, config: RealSrConfig, scale: int, pools: Pools) -> None:
        self.config, self.scale = config, scale
        kernels = _present(pools.get("kernels"), "kernel")
        noise = pools.get("noise")
        compression = pools.get("compression") if config.compression != "off" else None
        if config.compression == "always":
            compression = compressed(pools.get("compression"))
        self.levels = pools.get("noise_levels") if config.noise != "as_mined" else None
        self.raw: tuple[RawNoise | None, ...] = ()
        """Of each group; none by level."""
        if config.noise == "raw":
            self.raw = on_sensor(self.levels)
        if config.noise == "auto":
            self.raw = _chosen(self.levels, pools.get("noise_choice"))
        if not (noise is None and _without_patches(config, pools.get("noise_choice"))):
            noise = _present(noise, "noise")
        self.group = OneGroup(*(pool for pool in (kernels, noise) if pool is not None))
        self.kernels = rows_of(kernels)
        self.noise = None if noise is None else rows_of(noise)
        # A group of which no photograph is compressed is not compressed, unless all must be.
        always = config.compression == "always"
        self.compression = rows_of(compression, borrow=always) if compression else None

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        return self.draw_of(rng, hr_shape, self.group.draw(rng))

    def draw_of(
        self, rng: np.random.Generator, hr_shape: tuple[int, int], group: int | None
    ) -> Program:
        """One program of a group; see `draw`."""
        lr_shape = (hr_shape[0] // self.scale, hr_shape[1] // self.scale)
        blur = self.kernels[group].blur(rng)
        noise = self._noise(rng, lr_shape, group)
        ops: tuple[Op, ...] = (blur, Subsample(scale=self.scale), *noise, Quantise())
        return Program(scale=self.scale, ops=(*ops, *self._jpeg(rng, group)))

    def _noise(
        self, rng: np.random.Generator, lr_shape: tuple[int, int], group: int | None
    ) -> tuple[Op, ...]:
        """As mined where gains are not known: of pools that were sealed without; nothing where no
        photograph shows noise.
        """
        strength = self.config.strengths(fitted=self.levels is not None)
        raw = self.raw[group or 0] if self.raw else None
        if raw is not None:
            return raw_noise(rng, raw, strength)
        if self.noise is None:
            return ()
        rows = self.noise[group]
        if self.levels is None:
            return (rows.inject(rng, lr_shape, strength),)
        return (rows.inject_by_level(rng, lr_shape, strength, self.levels),)

    def _jpeg(self, rng: np.random.Generator, group: int | None) -> tuple[PooledJpeg, ...]:
        """Nothing, and nothing drawn, without a pool: programs of images that are not compressed
        stay what they are.
        """
        if self.compression is None or not self.compression[group].count:
            return ()
        rows = self.compression[group]
        compressed = float(rng.random()) < rows.share or self.config.compression == "always"
        index, phase = rows.draw(rng), (pick(rng, 16), pick(rng, 16))
        if compressed:
            return (PooledJpeg(pool=rows.pool.digest, index=index, phase=phase),)
        return ()


def compressed(pool: PoolInfo | None) -> PoolInfo:
    """What `compression: always` draws from.

    Raises:
        UserError: if there is nothing.
    """
    if pool is None or pool.count == 0:
        raise UserError(
            "degrader realsr has `compression: always` but no compression pool to draw from",
            where="recipe key compression of degrader realsr",
            wanted="compressed real images, at least compression.min_share of all",
            todo="set compression: auto, or lower compression.min_share; `pairmill pool "
            "compression` shows what was found",
        )
    return pool


def _chosen(levels: PoolInfo | None, choice: PoolInfo | None) -> tuple[RawNoise | None, ...]:
    """Of each group whose noise is to be made on the sensor, what is known of it; of pools that
    were sealed without a choice none.
    """
    if choice is None or choice.ways is None or "raw" not in choice.ways:
        return ()
    return tuple(
        raw if way == "raw" else None
        for raw, way in zip(on_sensor(levels), choice.ways, strict=True)
    )


def _without_patches(config: RealSrConfig, choice: PoolInfo | None) -> bool:
    """Whether no group draws patches."""
    if config.noise == "auto":
        return choice is not None and "by_level" not in (choice.ways or ("by_level",))
    return config.noise == "raw"


def on_sensor(levels: PoolInfo | None) -> tuple[RawNoise, ...]:
    """What `noise: raw` makes noise from, for each group.

    Raises:
        UserError: if nothing is known of any sensor.
    """
    if levels is None or not levels.raw:
        raise UserError(
            "degrader realsr has `noise: raw`, but no noise was fitted on a sensor to draw from",
            where="recipe key noise of degrader realsr",
            wanted="real images with flat areas, and pools that were made with `noise: raw`",
            todo="set noise: auto, or build without pools_from; `pairmill pool noise` shows "
            "what was measured",
        )
    return levels.raw


def _present(pool: PoolInfo | None, kind: str) -> PoolInfo:
    if pool is None or pool.count == 0:
        raise UserError(
            f"degrader realsr has no {kind} pool to draw from",
            wanted=f"at least one accepted {kind}",
            todo="give real images in images.real, or take degrader bicubic",
        )
    return pool

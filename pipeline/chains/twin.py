"""The camera of the photographs as a degrader: kernel, noise by level and JPEG as estimated.

It is what a chain is compared with, on the same HR: so that blur and noise are told apart from
scenes, which no comparison with the photographs themselves can do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pairmill.models.camera.flat_blocks import Blocks
from pairmill.models.camera.levels import LevelNoise, noise_by_level
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.one_group import OneGroup, rows_of
from pairmill.pipeline.degraders.sampling import key
from pairmill.pipeline.rng import pick
from pairmill.schemas.chain_fit import Curve, TwinConfig
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.noise import ShotReadNoise
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.program import Program


class Twin:
    """A kernel, the noise curve and a JPEG encoder of one group."""

    def __init__(self, config: TwinConfig, scale: int, pools: Pools) -> None:
        self.config, self.scale = config, scale
        kernels, compression = pools["kernels"], pools.get("compression")
        self.group, self.kernels = OneGroup(kernels), rows_of(kernels)
        self.compression = rows_of(compression, borrow=False) if compression else None

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:  # noqa: ARG002
        """See `Degrader.draw`."""
        group = self.group.draw(rng)
        curve = self.config.curves[group or 0]
        noise = ShotReadNoise(shot=curve.shot, read=curve.read, key=key(rng))
        ops: list[Op] = [self.kernels[group].blur(rng), Subsample(scale=self.scale), noise]
        ops.append(Quantise())
        if self.compression is not None and self.compression[group].count:
            rows = self.compression[group]
            compressed = float(rng.random()) < rows.share
            index, phase = rows.draw(rng), (pick(rng, 16), pick(rng, 16))
            if compressed:
                ops.append(PooledJpeg(pool=rows.pool.digest, index=index, phase=phase))
        return Program(scale=self.scale, ops=tuple(ops))


def curve_of(photographs: Sequence[Blocks]) -> Curve:
    """The noise of a camera before compression: the line through the variances of all levels and
    channels; without any flat block, no noise.

    Args:
        photographs: The blocks of photographs of one camera.
    """
    found = [one for channel in noise_by_level(photographs).channels for one in channel]
    return line(found) if found else Curve(shot=0.0, read=0.0)


def line(points: Sequence[LevelNoise]) -> Curve:
    """Least squares with shot and read not below 0, each point as sure as its blocks are many."""
    from scipy.optimize import nnls

    level, variance = (
        np.array(values) for values in zip(*((p.level, p.std**2) for p in points), strict=True)
    )
    weight = np.sqrt([one.blocks for one in points]) / (variance + 0.1)
    columns = np.stack([level, np.ones(len(level))], axis=1)
    shot, square = nnls(columns * weight[:, None], variance * weight)[0]
    return Curve(shot=round(float(shot), 6), read=round(float(np.sqrt(square)), 4))

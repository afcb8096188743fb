"""The camera of the photographs as a degrader: kernel, noise by level and JPEG as estimated.

It is what a chain is compared with, on the same HR: so that blur and noise are told apart from
scenes, which no comparison with the photographs themselves can do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.levels import MEDIAN, LevelNoise, blocks_of, noise_by_level
from pairmill.models.functional.noise_floor import ROUNDING
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.tables import Encoder
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.one_group import OneGroup, rows_of
from pairmill.pipeline.degraders.sampling import key
from pairmill.pipeline.rng import pick, stream
from pairmill.schemas.chain_fit import Curve, TwinConfig
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.noise import ShotReadNoise
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.program import Program

Real = NDArray[np.float64]
TRIED = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0])
"""Strengths of noise whose compression is looked at, in intensity levels."""
FLAT = 128
"""Side of the flat areas that are compressed for that, in pixels."""


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


def curve_of(photographs: Sequence[NDArray[np.uint8]], encoder: Encoder | None) -> Curve:
    """The noise of a camera before compression.

    Args:
        photographs: (H, W, 3) uint8 of one camera.
        encoder: How they were compressed; none if they were not.

    Returns:
        The line through the variances of all levels and channels; without any flat block, no noise.
    """
    found = [
        one for channel in noise_by_level([blocks_of(p) for p in photographs]) for one in channel
    ]
    if not found:
        return Curve(shot=0.0, read=0.0)
    return line(found, [before_compression(one.std, encoder) ** 2 for one in found])


def line(points: Sequence[LevelNoise], variances: Sequence[float]) -> Curve:
    """Least squares with shot and read not below 0, each point as sure as its blocks are many."""
    from scipy.optimize import nnls

    level, variance = np.array([one.level for one in points]), np.array(variances)
    weight = np.sqrt([one.blocks for one in points]) / (variance + 0.1)
    columns = np.stack([level, np.ones(len(level))], axis=1)
    shot, square = nnls(columns * weight[:, None], variance * weight)[0]
    return Curve(shot=round(float(shot), 6), read=round(float(np.sqrt(square)), 4))


def before_compression(std: float, encoder: Encoder | None) -> float:
    """Standard deviation that noise had which is `std` in flat areas after JPEG, in intensity
    levels.
    """
    if encoder is None:
        return std
    after = np.maximum.accumulate(_after(encoder))
    return float(np.interp(std, after + 1e-6 * np.arange(len(TRIED)), TRIED))


def _after(encoder: Encoder) -> Real:
    """What is left of each strength of `TRIED`."""
    field = stream("twin", "compression").standard_normal((FLAT, FLAT, 3))
    left = []
    for std in TRIED:
        flat = to_uint8(np.asarray(128 + std * field))
        noise = blocks_of(compress(flat, encoder, (0, 0))).noise
        left.append(max(float(np.median(noise)) / MEDIAN - ROUNDING, 0.0) ** 0.5)
    return np.array(left)

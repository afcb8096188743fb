"""Sensor noise as a chain of ops: back to raw, shot and read noise, a mosaic, and developed again.

Brooks et al., CVPR 2019 (unprocessing): gains of red in [1.9, 2.4] and blue in [1.5, 1.9]; shot
noise log-uniform in [1e-4, 0.012] of white, read noise on the line log(read) = 2.18 log(shot) +
1.20 (both variances, in units of white).
"""

from __future__ import annotations

import math

import numpy as np

from pairmill.pipeline.degraders.sampling import key, log_uniform, one_of, short, uniform
from pairmill.schemas.noise_levels import RawNoise
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.noise import ShotReadNoise
from pairmill.schemas.ops.resize import Clip

WHITE = 255.0
MOST = 8.0
"""Times that the noise of a photograph may be stronger or weaker than is usual in its group: what
ISO 6400 is to ISO 100. Of groups as mixed as that, the tails of a log-normal are no photographs."""


def camera_noise(rng: np.random.Generator) -> tuple[Op, ...]:
    """The ops of one camera at one exposure, of any there may be."""
    red, blue = uniform(rng, (1.9, 2.4)), uniform(rng, (1.5, 1.9))
    shot = log_uniform(rng, (1e-4, 0.012))
    read = math.exp((2.18 * math.log(shot) + 1.20) / 2)
    noise = ShotReadNoise(shot=short(shot * WHITE), read=short(read * WHITE), key=key(rng))
    development = {"red_gain": red, "blue_gain": blue}
    return (*_developed(rng, noise, development), Clip())


def raw_noise(
    rng: np.random.Generator, raw: RawNoise, strength: tuple[float, float]
) -> tuple[Op, ...]:
    """The ops of a known camera; photographs differ by a log-normal factor, of at most `MOST`,
    times one of `strength`.
    """
    strength_drawn, apart = uniform(rng, strength), raw.spread * float(rng.standard_normal())
    factor = strength_drawn * min(max(math.exp(apart), 1 / MOST), MOST)
    shot, read = (short(min(one, WHITE)) for one in (raw.shot * factor**2, raw.read * factor))
    noise = ShotReadNoise(shot=shot, read=read, key=key(rng))
    development = {"red_gain": raw.red_gain, "blue_gain": raw.blue_gain, "tone": raw.tone}
    return _developed(rng, noise, development)


def _developed(
    rng: np.random.Generator, noise: ShotReadNoise, development: dict[str, float]
) -> tuple[Op, ...]:
    mosaic = Mosaic(pattern=one_of(rng, ("rggb", "bggr", "grbg", "gbrg")))
    before, after = (op.model_validate(development) for op in (Unprocess, Process))
    return before, noise, mosaic, after

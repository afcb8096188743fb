"""Sensor noise as a chain of ops: back to raw, shot and read noise, a mosaic, and developed again.

Brooks et al., CVPR 2019 (unprocessing): gains of red in [1.9, 2.4] and blue in [1.5, 1.9]; shot
noise log-uniform in [1e-4, 0.012] of white, read noise on the line log(read) = 2.18 log(shot) +
1.20 (both variances, in units of white).
"""

from __future__ import annotations

import math

import numpy as np

from pairmill.pipeline.degraders.sampling import key, log_uniform, one_of, short, uniform
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.noise import ShotReadNoise
from pairmill.schemas.ops.resize import Clip

WHITE = 255.0


def camera_noise(rng: np.random.Generator) -> tuple[Op, ...]:
    """The ops of one camera at one exposure."""
    red, blue = uniform(rng, (1.9, 2.4)), uniform(rng, (1.5, 1.9))
    shot = log_uniform(rng, (1e-4, 0.012))
    read = math.exp((2.18 * math.log(shot) + 1.20) / 2)
    noise = ShotReadNoise(shot=short(shot * WHITE), read=short(read * WHITE), key=key(rng))
    mosaic = Mosaic(pattern=one_of(rng, ("rggb", "bggr", "grbg", "gbrg")))
    return (
        Unprocess(red_gain=red, blue_gain=blue),
        noise,
        mosaic,
        Process(red_gain=red, blue_gain=blue),
        Clip(),
    )

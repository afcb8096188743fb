"""ZSSR as a method for files: its words, and what it costs here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from pairmill.models.zssr.schedule import fewest_steps
from pairmill.models.zssr.train import Training
from pairmill.models.zssr.upscale import ROWS, stages, upscale
from pairmill.pipeline.evaluate.zero_shot.method import Array, Image
from pairmill.pipeline.rng import stream
from pairmill.schemas.zero_shot import ZeroShotCost, ZssrConfig

SMALLEST = 16
"""Least side of a son, in pixels."""
TIMED = 4
"""Steps that are timed."""
PAIRS = 8 * (4 + 4 + 1) * 3
"""Bytes for each pixel of the image that a stage learns from: fathers, what the filter makes and
sons of at most a quarter, in float32, eight of each.
"""
COPIES = 3 * 8
"""Bytes for each value of the upscaled image: back-projection holds it in float64 three times."""


class Zssr:
    """See `Method`."""

    version = 2
    kernels: tuple[str, ...] = ("bicubic", "camera", "kernelgan")

    def words(self, config: ZssrConfig) -> str:
        """See `Method`."""
        return f"ZSSR, {config.layers} convolutions of {config.features} channels, learned anew"

    def settings(self, config: ZssrConfig) -> tuple[tuple[str, str], ...]:
        """See `Method`."""
        return (
            ("crops", f"{config.crop} pixels"),
            ("linear start", f"{config.reach} pixels around" if config.reach else "cubic"),
            ("steps", f"at most {config.max_steps:,} for each factor"),
        )

    def kernel_scale(self, config: ZssrConfig) -> int:
        """See `Method`."""
        return stages(config.scale)[0]

    def parameters(self, config: ZssrConfig) -> int:
        """See `Method`."""
        squares, inner = stages(config.scale)[0] ** 2, config.layers - 2
        channels = 3 * (1 + squares) + inner * config.features + 3 * squares
        biases = (config.layers - 1) * config.features + 3 * squares
        return 9 * config.features * channels + biases

    def problem(self, height: int, width: int, config: ZssrConfig) -> str:
        """See `Method`."""
        least = SMALLEST * stages(config.scale)[0]
        if min(height, width) >= least:
            return ""
        return (
            f"{width} x {height} pixels; ZSSR learns from the image downscaled, which takes "
            f"{least} pixels a side or more"
        )

    def cost(
        self, sizes: Sequence[tuple[int, int]], config: ZssrConfig, *, device: str
    ) -> ZeroShotCost:
        """See `Method`."""
        factor, count = stages(config.scale)[0], len(stages(config.scale))
        side = max(config.crop, SMALLEST * factor)
        noise = (256 * stream(config.seed, "zssr cost").random((side, side, 3))).astype(np.uint8)
        training = Training(noise, None, factor, config, device)
        training.step()  # the first makes what the others find
        start = time.perf_counter()
        for _ in range(TIMED):
            training.step()
        step = (time.perf_counter() - start) / TIMED
        # A pixel of the result costs what a third of a pixel of a step costs, under each turn.
        pixel = step / 3 / config.crop**2
        after = sum(8 * pixel * height * width * config.scale**2 for height, width in sizes)
        steps = fewest_steps(config.rate, config.max_steps), config.max_steps
        least, most = (count * len(sizes) * step * number + after for number in steps)
        return ZeroShotCost(least_seconds=least, most_seconds=most, memory=_memory(sizes, config))

    def upscale(
        self,
        lr: Image,
        kernel: Array | None,
        config: ZssrConfig,
        *,
        device: str,
        advanced: Callable[[float], None],
    ) -> Image:
        """See `Method`."""
        return upscale(lr, kernel, config, device=device, advanced=advanced)


def _memory(sizes: Sequence[tuple[int, int]], config: ZssrConfig) -> int:
    """Of the largest image in its last stage: what a step keeps, a band of rows, the pairs and the
    result. Not all at once, but what is freed is not all given back.
    """
    factor = stages(config.scale)[0]
    height, width = (side * config.scale // factor for side in max(sizes, key=math.prod))
    step = config.layers * 3 * 4 * config.features * (config.crop // factor) ** 2
    band = 4 * 4 * config.features * (2 * ROWS) * width
    return step + band + (PAIRS + COPIES * 3 * factor**2) * height * width

"""DIP, Double-DIP and DIP-FKP as methods for files: their words, and what they cost here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from pairmill.models.dip.blind import KernelSource
from pairmill.models.dip.fit import Restoring, least_side, restore, source_of
from pairmill.models.dip.hourglass import Hourglass
from pairmill.models.fkp.prior import KernelPrior
from pairmill.models.functional.kernels import normalise, target_centre
from pairmill.models.functional.resize import cubic
from pairmill.pipeline.evaluate.zero_shot.method import Array, Image
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.rng import stream
from pairmill.schemas.dip import DipConfig, DipKind
from pairmill.schemas.zero_shot import DipBase, ZeroShotCost

NAMES: dict[DipKind, str] = {"dip": "DIP", "double-dip": "Double-DIP", "dip-fkp": "DIP-FKP"}
TIMED, SIDE = 3, 128
"""Steps that are timed, and the side of the HR image that they are of, in pixels."""
COPIES = 16
"""Values that a step keeps for each HR pixel and channel, about."""


class Dip:
    """See `Method`.

    Args:
        kind: Which of the three.
        prior: The flow of `dip-fkp`, of the scale that is upscaled by.
    """

    version = 1

    def __init__(self, kind: DipKind, prior: KernelPrior | None = None) -> None:
        self.kind, self.prior = kind, prior
        self.kernels: tuple[str, ...] = ()
        if kind == "dip":
            self.kernels = ("bicubic", "camera", "kernelgan")

    def words(self, config: DipBase) -> str:
        """See `Method`."""
        return f"{NAMES[self.kind]}, hourglass of {config.fit.channels} channels, fitted anew"

    def settings(self, config: DipBase) -> tuple[tuple[str, str], ...]:
        """See `Method`."""
        return (
            ("steps", f"at most {config.fit.iterations:,}"),
            ("stops", "when what is left of the image falls below its noise; 0 is measured"),
        )

    def kernel_scale(self, config: DipBase) -> int:
        """See `Method`."""
        return config.scale

    def parameters(self, config: DipBase) -> int:
        """See `Method`."""
        fit = config.fit
        network = Hourglass(fit.noise_channels, fit.channels, fit.skip, stream(0, "parameters"))
        groups = self._source(np.zeros((64, 64, 3), np.uint8), None, config).groups(1.0)
        own = [value for group in groups for value in group["params"]]
        return sum(value.numel() for value in (*network.parameters(), *own))

    def problem(self, height: int, width: int, config: DipBase) -> str:
        """See `Method`."""
        least = least_side(config.scale)
        if min(height, width) >= least:
            return ""
        return f"{width} x {height} pixels; {NAMES[self.kind]} takes {least} pixels a side or more"

    def cost(
        self, sizes: Sequence[tuple[int, int]], config: DipBase, *, device: str
    ) -> ZeroShotCost:
        """See `Method`."""
        fit, side = _fit_of(config), -(-SIDE // config.scale)
        image = np.zeros((side, side, 3), np.uint8)
        source, keyed = self._source(image, None, config), partial(stream, 0, "cost")
        restoring = Restoring(image, config.scale, source, fit, keyed, device)
        restoring.step(0)  # the first makes what the others find
        start = time.perf_counter()
        for number in range(TIMED):
            restoring.step(fit.structural + number)
        step = (time.perf_counter() - start) / TIMED / (side * config.scale) ** 2
        pixels = sum(height * width for height, width in sizes) * config.scale**2
        steps = min(fit.structural + 1, fit.iterations), fit.iterations
        least, most = (number * step * pixels for number in steps)
        return ZeroShotCost(least_seconds=least, most_seconds=most, memory=_memory(sizes, config))

    def upscale(
        self,
        lr: Image,
        kernel: Array | None,
        config: DipBase,
        *,
        device: str,
        advanced: Callable[[float], None],
    ) -> Image:
        """See `Method`."""
        fit = _fit_of(config)
        source = self._source(lr, kernel, config)
        found = restore(
            lr,
            config.scale,
            source,
            fit,
            self._keyed(lr, config),
            device=device,
            report=lambda _: advanced(1 / fit.iterations),
        )
        advanced(1 - len(found.curve) / fit.iterations)
        return found.image

    def _source(self, lr: Image, kernel: Array | None, config: DipBase) -> KernelSource:
        known = bicubic_kernel(config.scale) if kernel is None else kernel
        keyed = self._keyed(lr, config)
        return source_of(self.kind, config.scale, keyed, kernel=known, prior=self.prior)

    def _keyed(self, lr: Image, config: DipBase) -> Callable[[str], np.random.Generator]:
        return partial(stream, config.seed, self.kind, pixel_digest(lr))


def bicubic_kernel(scale: int) -> Array:
    """MATLAB's bicubic downscaling (antialiased, a = -0.5) as a kernel, (4 s + 3, 4 s + 3), sum 1;
    its 8 taps along an axis are (-3, -9, 29, 111, ...) / 256 at x2.
    """
    side = 4 * scale + 3
    taps = cubic((np.arange(side) - target_centre(side, scale)) / scale)
    return normalise(np.outer(taps, taps))


def _fit_of(config: DipBase) -> DipConfig:
    """Noise that is not told is measured."""
    return config.fit.with_(noise=config.noise or None)


def _memory(sizes: Sequence[tuple[int, int]], config: DipBase) -> int:
    """Of the largest image: what a step keeps of all scales."""
    height, width = max(sizes, key=math.prod)
    fit, pixels = config.fit, height * width * config.scale**2
    return 4 * COPIES * (fit.channels + fit.skip + fit.noise_channels) * pixels * 4 // 3

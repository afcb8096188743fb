"""The shape of a method that upscales an image with nothing but that image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.schemas.zero_shot import ZeroShotBase, ZeroShotCost

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
C = TypeVar("C", bound=ZeroShotBase, contravariant=True)


class Method(Protocol[C]):
    """One of `pairmill.pipeline.evaluate.zero_shot.METHODS`."""

    version: int
    """Raised when the same image and settings would give other pixels."""
    kernels: tuple[str, ...]
    """What `--kernel` may say besides the name of a file, the default first; empty if the method
    finds the kernel itself."""

    def words(self, config: C) -> str:
        """What it is."""

    def settings(self, config: C) -> tuple[tuple[str, str], ...]:
        """How it works, for the page."""

    def kernel_scale(self, config: C) -> int:
        """The scale that its kernel is for."""

    def parameters(self, config: C) -> int:
        """Numbers that it learns."""

    def problem(self, height: int, width: int, config: C) -> str:
        """Why an image of this size cannot be upscaled; empty if it can."""

    def cost(self, sizes: Sequence[tuple[int, int]], config: C, *, device: str) -> ZeroShotCost:
        """What images of these heights and widths take, from a few steps that are timed here."""

    def upscale(
        self,
        lr: Image,
        kernel: Array | None,
        config: C,
        *,
        device: str,
        advanced: Callable[[float], None],
    ) -> Image:
        """The upscaled image.

        Args:
            lr: (H, W, 3) uint8 RGB.
            kernel: (k, k) of sum 1 on the grid of 2**-16, centred for `kernel_scale`; none for
                MATLAB's bicubic downscaling, or if the method finds it itself.
            config: Settings.
            device: `cpu` or a CUDA device.
            advanced: Called with the share of the image that was done since the last call.

        Returns:
            (scale H, scale W, 3) uint8.
        """

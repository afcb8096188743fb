"""What upscales images, however it does: all that files, pages and tables know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pairmill.schemas.evaluation import InferenceConfig, NetworkView

Image = NDArray[np.uint8]


class Upscaling(Protocol):
    """A network, bicubic interpolation, or a method that learns from the image itself."""

    view: NetworkView
    """What it is; `sha256` covers all that its results depend on besides the image and how it is
    run."""

    def strips(
        self, lr: Image, config: InferenceConfig, advanced: Callable[[float], None] = ...
    ) -> Iterator[Image]:
        """Rows of the upscaled image, from the top, some at a time.

        Args:
            lr: (H, W, 3) uint8 RGB.
            config: How it is run.
            advanced: Called with the share of the image that was done since the last call.

        Raises:
            ImageRejected: if this image cannot be upscaled; others may be.
        """

    def spent(self, seconds: float, lr: Image) -> None:
        """Count the time that an image took."""

    def seen(self) -> NetworkView:
        """The view, with the time that was spent."""

    def settings(self) -> tuple[tuple[str, str], ...]:
        """How it works, in words and values, for the page; empty of a network, whose page says how
        it was run.
        """

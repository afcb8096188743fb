"""What an op's function looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets

Image = NDArray[np.generic]
"""(H, W, 3) in intensity levels 0..255: uint8, or float64 that may overshoot."""

Apply = Callable[[Any, Image, Assets], Image]
"""Pure: gets the op, the image, which it leaves alone, and the pools; returns a new image."""

"""Images of any size that can be decoded; a recipe asks for at least 16 pixels, which teaches
something.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.decode import decode, read_image
from pairmill.schemas.image import IngestConfig

ANY_SIZE = IngestConfig.model_construct(min_side=1, max_pixels=200_000_000)


def read_any(url: str) -> NDArray[np.uint8]:
    """The image at a path or URL, upright, (H, W, 3) uint8 sRGB, by the rules of recipes for all
    but its size.

    Raises:
        ImageRejected: with the reason.
    """
    return decode(read_image(url), ANY_SIZE)[0]

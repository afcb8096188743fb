"""TIFF files of 16 bits per channel, by Pillow."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.header import opened

_BOTH = {"L": "LB", "B": "BL", "N": "LB" if sys.byteorder == "little" else "BL"}
"""By the end of a raw mode: what takes the high byte of each sample, and what takes the low one."""


def decode_tiff16(data: bytes) -> NDArray[np.uint16]:
    """Grey (height, width), RGB (height, width, 3), or RGB with alpha (height, width, 4), upright.
    Samples that are not said to be alpha are left out.

    Pillow keeps one byte of each sample of 16-bit RGB. Which one is a matter of the byte order that
    it takes the data to have: it decodes twice. OpenCV reads fewer compressions, takes any fourth
    sample for alpha, and prints about damage.

    Raises:
        Exception: Damaged data, as Pillow raises it.
    """
    image = opened("TIFF", data)
    if image.mode.startswith("I;16"):
        image.load()
        return np.array(image).astype(np.uint16)
    levels = _bytes(data, 0).astype(np.uint16)
    levels <<= 8
    levels |= _bytes(data, 1)
    return levels


def _bytes(data: bytes, which: int) -> NDArray[np.uint8]:
    """The high bytes (0) or the low ones (1) of all samples."""
    image = opened("TIFF", data)
    # The alpha of RGBa would be divided by, which means nothing of a low byte.
    tiles = []
    for tile in image.tile:
        assert isinstance(tile.args, tuple)
        mode, *others = tile.args
        mode = mode[:-1].replace("a", "A") + _BOTH[mode[-1]][which]
        tiles.append(tile._replace(args=(mode, *others)))
    image.tile = tiles
    image.load()
    return np.array(image)

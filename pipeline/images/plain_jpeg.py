"""Ordinary JPEGs by a faster decoder, with the same pixels as Pillow's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.header import Header

SUBSAMPLINGS = {"444", "422", "420", "440", "411"}
"""Those for which tests compare the pixels."""


def decode_plain(header: Header, data: bytes) -> NDArray[np.uint8] | None:
    """An undamaged JPEG of YCbCr, (height, width, 3) uint8 RGB, not yet upright; none for any other
    file.

    simplejpeg and Pillow both decode by libjpeg-turbo with its accurate inverse DCT and smooth
    upsampling of chroma; Pillow's own pixels of four bytes and the copy out of them cost as much as
    decoding. What is not plainly the same, or has any damage that makes the decoder warn, is
    Pillow's, and its reasons are those that users are told.
    """
    if header.container != "JPEG" or header.image.mode != "RGB":
        return None
    import simplejpeg

    try:
        height, width, colours, subsampling = simplejpeg.decode_jpeg_header(data)
        if colours != "YCbCr" or subsampling not in SUBSAMPLINGS:
            return None
        if (width, height) != header.image.size:
            return None
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except ValueError:
        return None
    return pixels

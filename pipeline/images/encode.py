"""PNG bytes of an image: 8-bit RGB, no alpha, no metadata."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairmill.schemas.shard import Encoding


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """PNG of (H, W, 3) uint8 RGB; the same bytes for the same build of OpenCV.

    Raises:
        ValueError: if the image is not (H, W, 3) uint8.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"want an (H, W, 3) uint8 image, got {image.dtype} {image.shape}")
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not ok:
        raise ValueError(f"OpenCV could not encode an image of {image.shape}")
    return data.tobytes()


SUFFIXES: dict[Encoding, str] = {"fast": "png", "small": "png", "opencv": "png"}
"""Ending of the file name of each encoding."""


def encode(image: NDArray[np.uint8], encoding: Encoding) -> bytes:
    """(H, W, 3) uint8 RGB as a file."""
    return encode_png(image)


def decode(data: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a file that `encode` made."""
    return decode_png(data)


def decode_suspect(data: bytes) -> NDArray[np.uint8]:
    """The same for bytes that may be damaged."""
    return decode_suspect_png(data)


def decode_png(data: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a PNG that `encode_png` made.

    Raises:
        ValueError: if the bytes are not such a PNG.
    """
    image = None
    if data:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ValueError("not a readable PNG")
    return np.asarray(image, np.uint8)


def decode_suspect_png(data: bytes) -> NDArray[np.uint8]:
    """The same for bytes that may be damaged: slower, every checksum checked, and nothing printed.

    Raises:
        ValueError: if the bytes are not a whole RGB PNG.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            if image.mode != "RGB":
                raise ValueError(f"mode {image.mode}, wanted RGB")
            return np.asarray(image, np.uint8)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error

"""Images as bytes and back: 8-bit RGB, no alpha, no metadata, no loss."""

from __future__ import annotations

import io
import re

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairmill.pipeline.extras import core, libjxl, package_version
from pairmill.pipeline.images.jpeg_xl import (
    SIGNATURES,
    decode_jpeg_xl,
    encode_jpeg_xl,
    size_of,
)
from pairmill.pipeline.images.quick_png import check_chunks, quick_pixels
from pairmill.schemas.shard import Encoding

SUFFIXES: dict[Encoding, str] = {"fast": "png", "small": "jxl", "opencv": "png"}
"""Ending of a file's name, by encoding."""
_MOST_PIXELS = 2**28
"""Of a damaged JPEG XL: its header may ask for any amount of memory."""
_LONGEST = 2**16 - 1
"""Side of an image: fpng 0.1.0 writes only the low 16 bits of it."""


def encode(image: NDArray[np.uint8], encoding: Encoding) -> bytes:
    """(H, W, 3) uint8 RGB as a file; the same bytes for the same `encoder_builds(encoding)`.

    Raises:
        MissingLibraryError: if the encoder is not installed.
        ValueError: if the image is not (H, W, 3) uint8, has no pixels, or a side that is too long
            for `fast` (65,535 pixels).
    """
    _check(image)
    if encoding == "fast":
        return _fpng(image)
    if encoding == "small":
        return encode_jpeg_xl(image)
    return encode_png(image)


def decode(data: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a file that `encode` made in any encoding, which is recognised by its
    first bytes.

    Raises:
        MissingLibraryError: if the file is JPEG XL, and its decoder is not installed.
        ValueError: if the bytes are not such a file.
    """
    if data.startswith(SIGNATURES):
        return decode_jpeg_xl(data)
    image = quick_pixels(data)
    return decode_png(data) if image is None else image


def decode_suspect(data: bytes) -> NDArray[np.uint8]:
    """The same for bytes that may be damaged: slower, every checksum checked, and nothing printed.

    JPEG XL has no checksums: compare the pixels' digest as well.

    Raises:
        MissingLibraryError: if the file is JPEG XL, and its decoder is not installed.
        ValueError: if the bytes are not a whole RGB image.
    """
    if not data.startswith(SIGNATURES):
        check_chunks(data)
        return decode_suspect_png(data)
    width, height = size_of(data)
    if width * height > _MOST_PIXELS:
        raise ValueError(f"JPEG XL of {width} x {height} pixels")
    return decode_jpeg_xl(data)


def encoder_builds(encoding: Encoding) -> dict[str, str]:
    """Versions of the libraries that the bytes of an encoding rest on, by name, sorted; what is not
    installed is left out.
    """
    if encoding == "fast":
        return {"fpng": package_version("fpng")}
    if encoding == "small":
        return dict(sorted(libjxl().items()))
    found = {"opencv": cv2.__version__}
    for library, pattern in {
        "libpng": r"PNG:.*\(ver ([^)]*)\)",
        "zlib": r"ZLib:.*\(ver ([^)]*)\)",
    }.items():
        version = re.search(pattern, cv2.getBuildInformation())
        found[f"{library} (opencv)"] = version[1] if version else "unknown"
    return dict(sorted(found.items()))


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """PNG of (H, W, 3) uint8 RGB; the same bytes for the same build of OpenCV.

    Raises:
        ValueError: if the image is not (H, W, 3) uint8, or has no pixels.
    """
    _check(image)
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not ok:
        raise ValueError(f"OpenCV could not encode an image of {image.shape}")
    return data.tobytes()


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


def _check(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"want an (H, W, 3) uint8 image, got {image.dtype} {image.shape}")
    if image.size == 0:
        raise ValueError(f"an image of {image.shape} has no pixels")


def _fpng(image: NDArray[np.uint8]) -> bytes:
    with core("fpng", "encoding: fast"):
        import fpng
    height, width, channels = image.shape
    if max(height, width) > _LONGEST:
        raise ValueError(f"want sides of at most {_LONGEST} for fpng, got {image.shape}")
    data: bytes = fpng.from_bytes(image.tobytes(), width, height, channels)
    if not data:  # what its binding makes of a failure
        raise ValueError(f"fpng could not encode an image of {image.shape}")
    return data

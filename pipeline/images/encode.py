"""Images as bytes and back: 8-bit RGB, no alpha, no metadata, no loss."""

from __future__ import annotations

import io
import re
from importlib.metadata import PackageNotFoundError, version

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from pairmill.pipeline.extras import core
from pairmill.pipeline.images.quick_png import quick_pixels
from pairmill.schemas.errors import MissingLibraryError
from pairmill.schemas.shard import Encoding

SUFFIXES: dict[Encoding, str] = {"fast": "png", "small": "webp", "opencv": "png"}
"""Ending of a file's name, by encoding."""
_LONGEST: dict[Encoding, int] = {"fast": 2**16 - 1, "small": 2**14 - 1}
"""Side of an image, in pixels: fpng 0.1.0 writes only the low 16 bits of it, WebP has 14."""


def encode(image: NDArray[np.uint8], encoding: Encoding) -> bytes:
    """(H, W, 3) uint8 RGB as a file; the same bytes for the same `encoder_builds(encoding)`.

    Raises:
        MissingLibraryError: if the encoder is not installed.
        ValueError: if the image is not (H, W, 3) uint8, has no pixels, or a side that is too long
            (65,535 pixels for `fast`, 16,383 for `small`).
    """
    _check(image)
    longest = _LONGEST.get(encoding, max(image.shape))
    if max(image.shape) > longest:
        raise ValueError(f"want sides of at most {longest} for {encoding}, got {image.shape}")
    if encoding == "fast":
        return _fpng(image)
    if encoding == "small":
        return _webp(image)
    return encode_png(image)


def decode(data: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a file that `encode` made in any encoding, which is recognised by its
    first bytes.

    Raises:
        ValueError: if the bytes are not such a file.
    """
    image = quick_pixels(data)
    return _by_opencv(data) if image is None else image


def decode_suspect(data: bytes) -> NDArray[np.uint8]:
    """The same for bytes that may be damaged: slower, and nothing printed.

    Not all damage is an error: Pillow does not check every checksum of a PNG, and WebP has none.
    Compare the digest of the pixels as well.

    Raises:
        ValueError: if the bytes are not a whole RGB image.
    """
    if data[:4] != b"RIFF":
        return _by_pillow(data, "PNG")
    if len(data) != 8 + int.from_bytes(data[4:8], "little"):
        raise ValueError(f"a WebP of {len(data)} bytes, other than it says")
    return _by_pillow(data, "WEBP")


def encoder_builds(encoding: Encoding) -> dict[str, str]:
    """Versions of the libraries that the bytes of an encoding rest on, by name, sorted; what is not
    installed is left out.
    """
    if encoding == "fast":
        try:
            return {"fpng": version("fpng")}
        except PackageNotFoundError:
            return {}
    if encoding == "small":
        found = {"pillow": version("pillow")}
        if features.check("webp"):
            found["libwebp"] = str(features.version("webp"))
    else:
        found = {"opencv": cv2.__version__}
        for name, called in {"libpng": "PNG", "zlib": "ZLib"}.items():
            built = re.search(rf"{called}:.*\(ver ([^)]*)\)", cv2.getBuildInformation())
            found[f"{name} (opencv)"] = built[1] if built else "unknown"
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
    return _by_opencv(data)


def _check(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"want an (H, W, 3) uint8 image, got {image.dtype} {image.shape}")
    if image.size == 0:
        raise ValueError(f"an image of {image.shape} has no pixels")


def _fpng(image: NDArray[np.uint8]) -> bytes:
    with core("fpng", "encoding: fast"):
        import fpng
    data: bytes = fpng.from_ndarray(np.ascontiguousarray(image))
    if not data:  # what its binding makes of a failure
        raise ValueError(f"fpng could not encode an image of {image.shape}")
    return data


def _webp(image: NDArray[np.uint8]) -> bytes:
    if not features.check("webp"):
        raise MissingLibraryError(
            "encoding: small needs a Pillow that was built with WebP",
            got="a Pillow without it",
            wanted="the wheel of Pillow from PyPI",
            todo="pip install --force-reinstall pillow",
        )
    file = io.BytesIO()
    # The least effort: as fast as PNG by OpenCV; the next one takes four times the time for 4 %.
    Image.fromarray(image).save(file, "WEBP", lossless=True, method=0, quality=0)
    return file.getvalue()


def _by_opencv(data: bytes) -> NDArray[np.uint8]:
    image = None
    if data:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ValueError("not a readable PNG or WebP")
    return np.asarray(image, np.uint8)


def _by_pillow(data: bytes, form: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data), formats=[form]) as image:
            image.load()
            if image.mode != "RGB":
                raise ValueError(f"mode {image.mode}, wanted RGB")
            return np.asarray(image, np.uint8)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error

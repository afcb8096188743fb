"""JPEG XL without loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.extras import extra

SIGNATURES = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
"""Of a bare codestream, and of one in a container."""
EFFORT = 2
"""Of libjxl, 1..10. Not 1, whose own encoder (libjxl 0.11.2) is nine times as fast, but makes other
bytes on processors with AVX-512, and other pixels of some images of noise."""
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_BITS = (9, 13, 18, 30)


def encode_jpeg_xl(image: NDArray[np.uint8]) -> bytes:
    """Bare codestream of (H, W, 3) uint8 RGB, made on one thread.

    Raises:
        MissingLibraryError: if imagecodecs is missing.
    """
    with extra("codecs", "JPEG XL", "encoding: small"):
        import imagecodecs
    data = imagecodecs.jpegxl_encode(
        np.ascontiguousarray(image), lossless=True, effort=EFFORT, numthreads=1
    )
    return bytes(data)


def decode_jpeg_xl(data: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a file that `encode_jpeg_xl` made.

    JPEG XL has no checksum: damage may also give other pixels.

    Raises:
        MissingLibraryError: if imagecodecs is missing.
        ValueError: if the bytes are not such a file.
    """
    with extra("codecs", "JPEG XL", "an image of encoding: small"):
        import imagecodecs
    try:
        image = np.asarray(imagecodecs.jpegxl_decode(data, numthreads=1))
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ValueError(f"not a readable JPEG XL: {error}") from error
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"JPEG XL of {image.dtype} {image.shape}, wanted (H, W, 3) uint8")
    return image


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height as a bare codestream states them (ISO/IEC 18181-1, SizeHeader).

    Raises:
        ValueError: if the bytes are no bare codestream or end before that.
    """
    if not data.startswith(SIGNATURES[0]) or len(data) < 12:
        raise ValueError("not a bare codestream of JPEG XL")
    bits = _Bits(data[2:12])
    eights = bits.take(1)
    height = _side(bits, eights)
    ratio = bits.take(3)
    if ratio:
        wide, high = _RATIOS[ratio]
        return height * wide // high, height
    return _side(bits, eights), height


class _Bits:
    """Bits of a codestream, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value


def _side(bits: _Bits, eights: int) -> int:
    if eights:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_BITS[bits.take(2)])

"""Pixels of PNGs that are of one kind of filter throughout, as fast encoders write them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

try:  # twice as fast as zlib, with the same results
    from isal import isal_zlib as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]

_Damaged: type[Exception] = zlib.error  # type: ignore[assignment]  # as isal's stubs have it
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_RGB8 = (8, 2, 0, 0, 0)
"""Bits, colour type, compression, filter method, interlace."""
_KNOWN = {b"IHDR", b"fdEC", b"IDAT", b"IEND"}
"""No chunk that could change colours; fpng marks its files by `fdEC`."""
_NONE, _SUB, _UP = 0, 1, 2
_MOST_INFLATED = 1100
"""Times its size that deflated data can become, rounded up: a damaged header may claim more."""


def quick_pixels(data: bytes) -> NDArray[np.uint8] | None:
    """(H, W, 3) uint8 of an 8-bit RGB PNG whose rows are all filtered by Sub (as OpenCV does), all
    by Up but for the first (as fpng does), or not at all; None for any other.

    The checksum of the pixels is checked, those of chunks are not.

    Raises:
        ValueError: if the bytes end early or their compressed data are damaged.
    """
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR" or len(data) < 33:
        return None
    width, height, *kind = _HEADER.unpack_from(data, 16)
    if tuple(kind) != _RGB8:
        return None
    parts = []
    for name, part in _chunks(data):
        if name not in _KNOWN:
            return None
        if name == b"IDAT":
            parts.append(part)
    rows = _inflated(parts, height, 1 + 3 * width)
    return _unfiltered(rows[:, 0], rows[:, 1:], width)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Name and data of each chunk, to the last."""
    view, place, name = memoryview(data), 8, b""
    while name != b"IEND":
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        end = place + 12 + length
        if end > len(data):
            raise ValueError("not a readable PNG: it ends early")
        yield name, view[place + 8 : end - 4]
        place = end


def _inflated(parts: list[memoryview], height: int, stride: int) -> NDArray[np.uint8]:
    if not parts or not height * (stride - 1):
        raise ValueError(f"not a readable PNG: no pixels in {height} rows of {stride} bytes")
    packed = parts[0] if len(parts) == 1 else b"".join(parts)
    try:
        flat = zlib.decompress(packed, bufsize=min(height * stride, _MOST_INFLATED * len(packed)))
    except _Damaged as error:
        raise ValueError(f"not a readable PNG: {error}") from error
    if len(flat) != height * stride:
        raise ValueError(f"not a readable PNG: {len(flat)} bytes for {height} rows of {stride}")
    return np.frombuffer(flat, np.uint8).reshape(height, stride)


def _unfiltered(
    kinds: NDArray[np.uint8], rows: NDArray[np.uint8], width: int
) -> NDArray[np.uint8] | None:
    image = np.empty((len(rows), width, 3), np.uint8)
    flat = image.reshape(len(rows), 3 * width)
    if (kinds == _SUB).all():
        np.add.accumulate(rows.reshape(image.shape), axis=1, dtype=np.uint8, out=image)
    elif kinds[0] in (_NONE, _UP) and (kinds[1:] == _UP).all():
        flat[0] = rows[0]  # the row above the first counts as zero
        # Three times as fast as np.add.accumulate over axis 0, which goes through columns.
        for above, row, out in zip(flat[:-1], rows[1:], flat[1:], strict=True):
            np.add(above, row, out=out)
    elif (kinds == _NONE).all():
        flat[:] = rows
    else:
        return None
    return image

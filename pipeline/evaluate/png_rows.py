"""PNG files written row by row, so that no image need ever be whole in memory."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
AT_ONCE = 1 << 20
"""Samples that are filtered at a time."""
EFFORT = 4
"""Of zlib's 9: more costs twice the time for 2 %."""
PAETH = 4


class PngRows:
    """An 8-bit sRGB image of a known size, given from the top in pieces.

    Args:
        file: Where the bytes go.
        width, height: Size, in pixels.
        text: Notes by keyword, Latin letters only.
    """

    def __init__(self, file: IO[bytes], width: int, height: int, text: dict[str, str]) -> None:
        self.file, self.width, self.left = file, width, height
        self.above = np.zeros((1, width, 3), np.uint8)
        self.packer = zlib.compressobj(EFFORT)
        file.write(SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        self._chunk(b"sRGB", b"\0")
        for keyword, value in text.items():
            self._chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + value.encode("latin-1"))

    def write(self, rows: NDArray[np.uint8]) -> None:
        """The next rows, (n, width, 3).

        Raises:
            ValueError: if they are of another width, or more than are left.
        """
        if rows.shape[1:] != (self.width, 3) or rows.dtype != np.uint8 or len(rows) > self.left:
            raise ValueError(
                f"want at most {self.left} rows of {self.width} pixels, got {rows.dtype} "
                f"{rows.shape}"
            )
        step = max(1, AT_ONCE // (3 * self.width))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            self._data(self.packer.compress(filtered(part, self.above)))
            self.above, self.left = part[-1:].copy(), self.left - len(part)

    def close(self) -> None:
        """The end of the file.

        Raises:
            ValueError: if rows are missing.
        """
        if self.left:
            raise ValueError(f"{self.left} rows are missing")
        self._data(self.packer.flush())
        self._chunk(b"IEND", b"")

    def _data(self, data: bytes) -> None:
        if data:
            self._chunk(b"IDAT", data)

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self.file.write(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )


def filtered(rows: NDArray[np.uint8], above: NDArray[np.uint8]) -> bytes:
    """Rows as what differs from Paeth's prediction, each after the number of the filter. Source:
    PNG, section 9.4.
    """
    b = np.concatenate([above, rows[:-1]]).astype(np.int16)
    a, c = (
        np.pad(values[:, :-1], ((0, 0), (1, 0), (0, 0))) for values in (rows.astype(np.int16), b)
    )
    to_a, to_b, to_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest = np.where((to_a <= to_b) & (to_a <= to_c), a, np.where(to_b <= to_c, b, c))
    out = np.empty((len(rows), 1 + 3 * rows.shape[1]), np.uint8)
    out[:, 0] = PAETH
    out[:, 1:] = (rows - nearest.astype(np.uint8)).reshape(len(rows), -1)
    return out.tobytes()


def notes(data: bytes) -> dict[str, str]:
    """The notes in the first bytes of a PNG; those that are cut or stand after the pixels are left
    out.
    """
    if data.startswith(SIGNATURE):
        return dict(_notes(data))
    return {}


def _notes(data: bytes) -> Iterator[tuple[str, str]]:
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        if kind == b"IDAT" or len(body) < length:
            return
        if kind == b"tEXt":
            keyword, _, value = body.partition(b"\0")
            yield keyword.decode("latin-1"), value.decode("latin-1")
        place += 12 + length

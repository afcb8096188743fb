"""JPEGs whose picture is whole although their end is not written as it should be."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import dataclass, field

_END, _SCAN, _START, _LINES = 0xD9, 0xDA, 0xD8, 0xDC
_FRAMES, _PROGRESSIVE = {0xC0, 0xC1, 0xC2}, 0xC2
"""Baseline, extended and progressive, by Huffman codes: T.81, table B.1."""
_IN_SCAN = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
"""A marker that ends the data of a scan: no stuffed zero, no restart."""
_EOI = b"\xff\xd9"
_LARGEST = 1000
"""Segments before the picture counts as endless."""


def with_end(data: bytes) -> bytes:
    """The JPEG `data` with its end marker where all its scans are there and the marker is not, as
    in files cut by two bytes and panoramas of Samsung, whose trailer takes its place; else `data`.

    That every block is in the scans is not looked at.
    """
    body = data[: _samsung_trailer(data)]
    if body.endswith(_EOI):
        return data
    try:
        end = _Walk(body).end()
    except (struct.error, IndexError, ValueError):  # damaged, of which the decoder will speak
        return data
    if end is None:
        return data
    return body[:end].rstrip(b"\xff") + _EOI


def missing(data: bytes) -> str:
    """What a JPEG that ends early lacks, for people, with its verb."""
    walk = _Walk(data)
    with suppress(struct.error, IndexError, ValueError):  # it ends in a segment
        walk.end()
    if all(lacks == [-1] * 64 for lacks in walk.missing.values()):
        return "the pixels are"
    return "the last blocks are" if walk.whole() else "scans that refine the whole picture are"


@dataclass
class _Walk:
    """The segments of a JPEG up to the end of its picture."""

    data: bytes
    progressive: bool = False
    missing: dict[int, list[int]] = field(default_factory=dict)
    """By component: the bits that each of its 64 coefficients lacks, or -1 for all."""

    def end(self) -> int | None:
        """Where the picture ends without a marker of its end; None if it has one, or lacks scans.

        Raises:
            ValueError: It is of another kind than Huffman-coded DCT.
        """
        place = 2
        for _ in range(_LARGEST):
            while self.data[place + 1] == 0xFF:
                place += 1
            marker = self.data[place + 1]
            if self.data[place] != 0xFF or marker in (_START, _END):
                return None
            (length,) = struct.unpack_from(">H", self.data, place + 2)
            content = self.data[place + 4 : place + 2 + length]
            place += 2 + length
            if marker in _FRAMES:
                self._frame(marker, content)
            elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                raise ValueError(f"frame {marker:#x}")
            elif marker == _SCAN:
                self._scan(content)
                found = _IN_SCAN.search(self.data, place)
                place = found.start() if found else len(self.data)
                if self.whole():
                    ends = found is not None and found[1][0] in (_END, _LINES)
                    return None if ends else place
        return None

    def _frame(self, marker: int, content: bytes) -> None:
        self.progressive = marker == _PROGRESSIVE
        for place in range(6, 6 + 3 * content[5], 3):
            self.missing[content[place]] = [-1] * 64

    def _scan(self, content: bytes) -> None:
        count = content[0]
        first, last, bits = content[1 + 2 * count : 4 + 2 * count]
        if not self.progressive:
            first, last, bits = 0, 63, 0
        for place in range(1, 1 + 2 * count, 2):
            coefficients = self.missing.get(content[place], [])
            coefficients[first : last + 1] = [bits & 15] * (last + 1 - first)

    def whole(self) -> bool:
        """Whether every coefficient is in a scan, with all its bits."""
        return bool(self.missing) and all(not any(lacks) for lacks in self.missing.values())


def _samsung_trailer(data: bytes) -> int:
    """Where a trailer of Samsung's begins, or the end of the file: `SEFH`, version, count, and for
    each block its kind, how far before `SEFH` it begins, and its size; then the length of all that,
    and `SEFT`.
    """
    if not data.endswith(b"SEFT") or len(data) < 20:
        return len(data)
    head = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    if head < 0 or data[head : head + 4] != b"SEFH":
        return len(data)
    (count,) = struct.unpack_from("<I", data, head + 8)
    places = range(head + 12, min(head + 12 + 12 * count, len(data) - 12), 12)
    blocks = [head - struct.unpack_from("<I", data, place + 4)[0] for place in places]
    return min((block for block in blocks if block > 0), default=head)

"""What the EXIF of a file says of its camera. Nobody checks what software writes there, so each
field stands for itself: what is malformed or makes no sense counts as not said.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import TypeVar

from pairmill.pipeline.images.containers import png_chunks
from pairmill.pipeline.images.damage import quiet
from pairmill.pipeline.images.header import opened
from pairmill.schemas.camera import TEXT, CameraFacts

T = TypeVar("T")
_MAKE, _MODEL, _EXIF = 271, 272, 0x8769
_LENS, _FOCAL_LENGTH, _APERTURE, _ZOOM, _ISO = 0xA434, 0x920A, 0x829D, 0xA404, 0x8827
_PREFIX = b"Exif\0\0"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_READ = 4096
"""Most bytes of a text that are looked at."""
_WHOLE = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
_RATIOS = {5: "II", 10: "ii"}
_REAL = {11: "f", 12: "d"}
_TEXTS = (2, 129)
_SIZES = {2: 1, 129: 1, 5: 8, 10: 8, 11: 4, 12: 8, 1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4, 13: 4}

Directory = Mapping[int, tuple[int, bytes]]
"""Type and bytes of the value of each tag whose bytes are there."""


def read_camera(data: bytes, container: str) -> CameraFacts | None:
    """What the file `data` says of its camera; none if that is nothing. Never an error.

    Args:
        data: A file that was decoded.
        container: Its format, as `decode` calls it.
    """
    try:
        with quiet:
            block = _exif_block(data, container)
        order = _ORDERS[block[:4]]
        main = _directory(block, order, struct.unpack_from(f"{order}I", block, 4)[0])
    except Exception:  # noqa: BLE001 - damaged EXIF costs no image: it says nothing
        return None
    place = _value(main, _EXIF, order, _count)
    inner = {} if place is None else _directory(block, order, place)
    facts = CameraFacts(
        make=_value(main, _MAKE, order, _text) or "",
        model=_value(main, _MODEL, order, _text) or "",
        lens=_value(inner, _LENS, order, _text) or "",
        focal_length=_value(inner, _FOCAL_LENGTH, order, _between(0.1, 20_000)),
        aperture=_value(inner, _APERTURE, order, _between(0.1, 1000)),
        digital_zoom=_value(inner, _ZOOM, order, _between(1, 1000)) or 1.0,
        iso=_value(inner, _ISO, order, _count),
    )
    return None if facts == CameraFacts() else facts


def _exif_block(data: bytes, container: str) -> bytes:
    """The EXIF of a file: the structure of a TIFF; a TIFF is one itself."""
    if container == "TIFF":
        return data
    if container == "PNG":
        # Pillow sees a chunk behind the pixels only after decoding them.
        found = [data[start:end] for name, start, end in png_chunks(data) if name == "eXIf"]
        return found[0] if found else b""
    with opened("JPEG" if container == "MPO" else container, data) as image:
        block: bytes = image.info.get("exif", b"")
    return block.removeprefix(_PREFIX)


# Pillow gives up a directory at the first value that lies beyond the end of the file; here each
# stands for itself.
def _directory(block: bytes, order: str, place: int) -> Directory:
    found: dict[int, tuple[int, bytes]] = {}
    try:
        (count,) = struct.unpack_from(f"{order}H", block, place)
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(f"{order}HHI", block, entry)
            size = _SIZES.get(kind, 0) * length
            start = entry + 8
            if size > 4:
                (start,) = struct.unpack_from(f"{order}I", block, start)
            if 0 < size <= len(block) - start:
                found.setdefault(tag, (kind, block[start : start + min(size, _READ)]))
    except struct.error:  # the end of the file; what came before it holds
        pass
    return found


def _value(
    directory: Directory, tag: int, order: str, read: Callable[[int, bytes, str], T | None]
) -> T | None:
    """A field that is there, can be read and makes sense, or none."""
    kind, data = directory.get(tag, (0, b""))
    try:
        return read(kind, data, order) if data else None
    except (struct.error, ValueError, ZeroDivisionError, OverflowError):
        return None


def _text(kind: int, data: bytes, _order: str) -> str | None:
    """A name in one line; none if it has escape codes, or is too long for a name."""
    if kind not in _TEXTS:
        return None
    # A NUL ends a text; what some cameras leave behind it is old memory.
    words = " ".join(data.partition(b"\0")[0].decode("utf-8").split())
    if not any(map(str.isalnum, words)) or not words.isprintable():
        return None
    return words if len(words) <= TEXT else None


def _number(kind: int, data: bytes, order: str) -> float:
    """The first number of a field."""
    if kind in _RATIOS:
        above, below = struct.unpack_from(order + _RATIOS[kind], data)
        return float(above) / float(below)
    if kind not in _WHOLE and kind not in _REAL:
        return math.nan
    return float(struct.unpack_from(order + (_WHOLE | _REAL)[kind], data)[0])


def _between(least: float, most: float) -> Callable[[int, bytes, str], float | None]:
    def read(kind: int, data: bytes, order: str) -> float | None:
        number = _number(kind, data, order)
        return round(number, 4) if least <= number <= most else None

    return read


def _count(kind: int, data: bytes, order: str) -> int | None:
    """A whole number above 0."""
    number = _number(kind, data, order)
    return int(number) if 1 <= number < 1 << 32 else None

"""What the EXIF of a file says of its camera. Nobody checks what software writes there, so each
field stands for itself: what is malformed or makes no sense counts as not said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from pairmill.pipeline.images.containers import png_chunks
from pairmill.pipeline.images.damage import quiet
from pairmill.pipeline.images.header import opened
from pairmill.schemas.camera import TEXT, CameraFacts

_MAKE, _MODEL, _EXIF = 271, 272, 0x8769
_LENS, _FOCAL_LENGTH, _APERTURE, _ZOOM, _ISO = 0xA434, 0x920A, 0x829D, 0xA404, 0x8827
_PREFIX = b"Exif\0\0"
_READ = 4096
"""Most characters of a text that are looked at."""

Directory = ImageFileDirectory_v2


def read_camera(data: bytes, container: str) -> CameraFacts | None:
    """What the file `data` says of its camera; none if that is nothing. Never an error.

    Args:
        data: A file that was decoded.
        container: Its format, as `decode` calls it.
    """
    with quiet:
        try:
            block = _exif_block(data, container)
            main = _directory(block, None)
            inner = _directory(block, main.get(_EXIF)) if _EXIF in main else None
        except Exception:  # noqa: BLE001 - damaged EXIF costs no image: it says nothing
            return None
        return _facts(main, inner)


def _facts(main: Directory, inner: Directory | None) -> CameraFacts | None:
    facts = CameraFacts(
        make=_value(main, _MAKE, _text) or "",
        model=_value(main, _MODEL, _text) or "",
        lens=_value(inner, _LENS, _text) or "",
        focal_length=_value(inner, _FOCAL_LENGTH, lambda value: _number(value, 0.1, 20_000)),
        aperture=_value(inner, _APERTURE, lambda value: _number(value, 0.1, 1000)),
        digital_zoom=_value(inner, _ZOOM, lambda value: _number(value, 1, 1000)) or 1.0,
        iso=_value(inner, _ISO, _whole),
    )
    return None if facts == CameraFacts() else facts


def _value(directory: Directory | None, tag: int, read: Callable[[Any], Any]) -> Any:
    """A field that can be read and makes sense, or none."""
    if directory is None:
        return None
    try:
        return read(directory[tag])
    except Exception:  # noqa: BLE001 - missing, or of another type or count than it must be
        return None


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


def _directory(block: bytes, offset: int | None) -> Directory:
    file = BytesIO(block)
    directory = Directory(file.read(16 if 0x2B in block[2:4] else 8))
    file.seek(directory.next if offset is None else offset)
    directory.load(file)
    return directory


def _text(value: Any) -> str | None:
    """A name in one line; none if it has escape codes, or is too long for a name."""
    said = value.decode("utf-8") if isinstance(value, bytes) else str(value)
    # A NUL ends a text; what some cameras leave behind it is old memory.
    words = " ".join(said[:_READ].partition("\0")[0].split())
    if not any(map(str.isalnum, words)) or not words.isprintable():
        return None
    return words if len(words) <= TEXT else None


def _number(value: Any, least: float, most: float) -> float | None:
    number = float(value[0] if isinstance(value, tuple) else value)
    if not math.isfinite(number) or not least <= number <= most:
        return None
    return round(number, 4)


def _whole(value: Any) -> int | None:
    number = _number(value, 1, 10_000_000)
    return None if number is None else int(number)

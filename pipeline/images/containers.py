"""What must be checked in some containers before Pillow opens them."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.image import ImageReason, IngestConfig

Tags = dict[int, Any]
"""Values by TIFF tag number."""

SUBFILE, BITS, PHOTOMETRIC, MAKER, ORIENTATION, SAMPLES, PLANES = 254, 258, 262, 271, 274, 277, 284
_TILE_WIDTH, _TILE_HEIGHT, _SUB_PAGES, _NUMBER_KIND, _DNG_VERSION = 322, 323, 330, 339, 50706
_COMPRESSION = 259
_READ = {*range(1, 9), 32771, 32773, 32809, 32946, 34676, 34677, 34925, 50000}
"""Compressions of TIFF that Pillow's libtiff reads in every build of it."""
_COMPRESSIONS = {
    22610: "JPEG XR",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34712: "JPEG 2000",
    34887: "LERC",
    34933: "PNG",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_KEPT = (
    *(SUBFILE, BITS, PHOTOMETRIC, MAKER, ORIENTATION, SAMPLES, PLANES),
    _COMPRESSION,
    *(_TILE_WIDTH, _TILE_HEIGHT, _SUB_PAGES, _NUMBER_KIND, _DNG_VERSION),
)
_RGB, _FLOATING_POINT, _SEPARATED, _SENSOR_MOSAIC, _LINEAR_RAW = 2, 3, 5, 32803, 34892
_VERSION_5 = (124).to_bytes(4, "little")
"""Size of the header of such a BMP."""
_DEFLATE_RATIO = 1032
_PNG_CHANNELS = {2: 3, 4: 2, 6: 4}
_PPM_GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
_PPM_HEADER = re.compile(
    rb"P[2356]" + _PPM_GAP + rb"(\d{1,9})" + _PPM_GAP + rb"(\d{1,9})" + _PPM_GAP + rb"(\d{1,9})\s"
)


def check_size(size: tuple[int, int], config: IngestConfig) -> None:
    """Check a width and height, in pixels, against `config`.

    Raises:
        ImageRejected: `too-small` or `too-large`.
    """
    width, height = size
    if width * height > config.max_pixels:
        detail = (
            f"The image is {width} x {height} = {width * height} pixels; at most "
            f"{config.max_pixels} are allowed."
        )
        raise ImageRejected(ImageReason.TOO_LARGE, detail)
    if min(size) < config.min_side:
        detail = (
            f"The image is {width} x {height}; the shortest side must be at least "
            f"{config.min_side} pixels."
        )
        raise ImageRejected(ImageReason.TOO_SMALL, detail)


def check_container(container: str, data: bytes, config: IngestConfig) -> Tags:
    """Check the structure of `data` and return the tags that decoding needs: bits per channel,
    orientation and alike.

    Raises:
        ImageRejected: Not allowed, or not what the header says.
        Exception: Damaged in a way that the caller turns into a rejection.
    """
    if container in _CHECKS:
        return _CHECKS[container](data, config)
    return {}


def _check_png(data: bytes, config: IngestConfig) -> Tags:
    held, tags = 0, Tags()
    for name, start, end in png_chunks(data):
        # Pillow skips the checksums of the pixel chunks; OpenCV's decoder prints about them.
        if zlib.crc32(memoryview(data)[start - 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            detail = f"The checksum of the PNG chunk {name!r} is wrong; copy the file again."
            raise ImageRejected(ImageReason.CORRUPT, detail)
        held += (end - start) * (name == "IDAT")
        # Pillow sees an eXIf chunk behind the pixels only after decoding them.
        tags |= _exif_tags(data[start:end]) if name == "eXIf" else {}
    width, height, bits, kind = struct.unpack_from(">IIBB", data, 16)
    check_size((width, height), config)
    promised = height * (width * bits * _PNG_CHANNELS.get(kind, 1) // 8)
    if held * _DEFLATE_RATIO < promised:
        detail = (
            f"The header promises {width} x {height} pixels, but {held} bytes of pixel data "
            "cannot hold them."
        )
        raise ImageRejected(ImageReason.TRUNCATED, detail)
    return {BITS: bits} | tags


def png_chunks(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, first byte and end of the content of each chunk of a PNG.

    Raises:
        ImageRejected: `corrupt` or `truncated`.
    """
    position, name = 8, ""
    while name != "IEND":
        header = data[position : position + 8]
        length, name = int.from_bytes(header[:4]), header[4:].decode("latin-1")
        if position == 8 and len(header) == 8 and (name, length) != ("IHDR", 13):
            raise ImageRejected(
                ImageReason.CORRUPT, f"The first PNG chunk is {name!r}; it must be 'IHDR'."
            )
        if position + 12 + length > len(data):
            detail = (
                f"The PNG data end in or before the chunk {name!r} at byte {position}; copy "
                "the file again."
            )
            raise ImageRejected(ImageReason.TRUNCATED, detail)
        yield name, position + 8, position + 8 + length
        position += 12 + length


def _exif_tags(data: bytes) -> Tags:
    exif = Image.Exif()
    exif.load(data)
    if ORIENTATION in exif:
        return {ORIENTATION: exif[ORIENTATION]}
    return {}


def profile_of_bmp(data: bytes) -> bytes:
    """The ICC profile that a BMP of version 5 embeds, which Pillow passes over; else nothing."""
    if data[:2] != b"BM" or data[14:18] != _VERSION_5 or data[70:74] != b"MBED"[::-1]:
        return b""
    place, size = struct.unpack_from("<II", data, 14 + 112)
    return data[14 + place : 14 + place + size]


def _check_gif(data: bytes, config: IngestConfig) -> Tags:
    check_size(struct.unpack_from("<HH", data, 6), config)
    return {}


def _check_webp(data: bytes, config: IngestConfig) -> Tags:
    # Pillow allocates the whole canvas on opening, so its size is read by hand first.
    if data[12:16] == b"VP8X":
        check_size(
            (int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1),
            config,
        )
    return {}


def _check_ppm(data: bytes, config: IngestConfig) -> Tags:
    match = _PPM_HEADER.match(data)
    if data[:2] in (b"P1", b"P4") or match is None:
        return {}
    width, height, largest = map(int, match.groups())
    check_size((width, height), config)
    if largest not in (255, 65535):
        detail = f"The largest value of the PPM is {largest}; 255 and 65535 are allowed."
        raise ImageRejected(ImageReason.NOT_8_OR_16_BIT, detail)
    channels = 3 if data[:2] == b"P6" else 1
    bits = 8 if largest == 255 else 16
    needed = width * height * channels * bits // 8
    if len(data) - match.end() < needed and data[:2] in (b"P5", b"P6"):
        detail = (
            f"The PPM data have {len(data) - match.end()} of {needed} bytes of pixels; copy "
            "the file again."
        )
        raise ImageRejected(ImageReason.TRUNCATED, detail)
    return {BITS: bits}


def _check_tiff(data: bytes, config: IngestConfig) -> Tags:
    tags = _first_page(data)
    colour = tags.get(PHOTOMETRIC)
    preview = tags.get(SUBFILE, 0) & 1 and (MAKER in tags or _SUB_PAGES in tags)
    if preview or _DNG_VERSION in tags or colour in (_SENSOR_MOSAIC, _LINEAR_RAW):
        detail = "The format is camera raw (DNG, NEF or alike); develop it to TIFF or JPEG first."
        raise ImageRejected(ImageReason.UNSUPPORTED_FORMAT, detail)
    if colour == _SEPARATED:
        raise ImageRejected(
            ImageReason.CMYK, "The colours are CMYK printing inks; grey and RGB are allowed."
        )
    if (compression := tags.get(_COMPRESSION, 1)) not in _READ:
        name = _COMPRESSIONS.get(compression, f"number {compression}")
        detail = f"No library here reads {name} compression in TIFF; save it with Deflate or LZW."
        raise ImageRejected(ImageReason.UNSUPPORTED_FORMAT, detail)
    bits = max(_numbers(tags.get(BITS, 1)))
    if tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_HEIGHT, 0) > config.max_pixels:
        detail = f"The TIFF has tiles of {tags[_TILE_WIDTH]} x {tags[_TILE_HEIGHT]} pixels; "
        raise ImageRejected(
            ImageReason.TOO_LARGE, f"{detail}at most {config.max_pixels} pixels are allowed."
        )
    floating = _FLOATING_POINT in _numbers(tags.get(_NUMBER_KIND, 1))
    if floating or bits not in (1, 2, 4, 8, 16):
        kind = "floating-point numbers" if floating else "integers"
        detail = f"The channels are {bits}-bit {kind}; integers of 8 or 16 bits are allowed."
        raise ImageRejected(ImageReason.NOT_8_OR_16_BIT, detail)
    if bits == 16 and (
        colour not in (0, 1, 2) or (tags.get(PLANES) == 2 and tags.get(SAMPLES, 1) > 1)
    ):
        detail = (
            "The TIFF has 16-bit channels in separate planes or not RGB; interleaved grey "
            "and RGB are allowed."
        )
        raise ImageRejected(ImageReason.UNSUPPORTED_FORMAT, detail)
    samples = tags.get(SAMPLES, 1)
    if bits == 16 and samples not in ((3, 4) if colour == _RGB else (1,)):
        detail = (
            f"The TIFF has {samples} samples of 16 bits per pixel; 1 of grey, and 3 or 4 of RGB, "
            "are allowed at that depth: save it without the others."
        )
        raise ImageRejected(ImageReason.UNSUPPORTED_FORMAT, detail)
    return tags | {BITS: bits}


def _first_page(data: bytes) -> Tags:
    # Pillow opens unusual pages with "unknown pixel mode" only; their tags tell what is unusual.
    file = BytesIO(data)
    directory = ImageFileDirectory_v2(file.read(16 if 0x2B in data[2:4] else 8))
    file.seek(directory.next)
    directory.load(file)
    return {number: directory[number] for number in _KEPT if number in directory}


def _numbers(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


_CHECKS: dict[str, Callable[[bytes, IngestConfig], Tags]] = {
    "GIF": _check_gif,
    "PNG": _check_png,
    "PPM": _check_ppm,
    "TIFF": _check_tiff,
    "WEBP": _check_webp,
}

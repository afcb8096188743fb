"""What the chunks of a PNG say of its colours, and the PNG without those that no pixel needs."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np

from pairmill.pipeline.images.colour_space import (
    D65,
    REC_709,
    SRGB,
    Curve,
    Point,
    by_parts,
    of_primaries,
    power,
    srgb_curve,
)
from pairmill.pipeline.images.containers import png_chunks
from pairmill.pipeline.images.icc import HDR
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.images.told import Told, rejected_hdr
from pairmill.schemas.image import Conversion, ImageReason

_C, _DCI = (0.310, 0.316), (0.314, 0.351)
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_SMPTE = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_PRIMARIES: dict[int, tuple[Point, Point, Point, Point]] = {
    1: (*REC_709, D65),
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: (*_SMPTE, D65),
    7: (*_SMPTE, D65),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    11: (*_P3, _DCI),
    12: (*_P3, D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
"""Red, green, blue, white of the colour primaries of Rec. ITU-T H.273, table 2."""
_ALPHA, _BETA = 1.09929682680944, 0.018053968510807
_REC_709_CURVE = by_parts(1 / _ALPHA, 1 - 1 / _ALPHA, 1 / 0.45, 1 / 4.5, 4.5 * _BETA)
_TRANSFERS: dict[int, Curve] = {
    1: _REC_709_CURVE,
    4: power(2.2),
    5: power(2.8),
    6: _REC_709_CURVE,
    7: by_parts(1 / 1.1115, 0.1115 / 1.1115, 1 / 0.45, 1 / 4, 0.0913),
    8: power(1),
    13: srgb_curve(),
    14: _REC_709_CURVE,
    15: _REC_709_CURVE,
}
"""The inverse of the transfer characteristics of Rec. ITU-T H.273, table 3."""
_UNSPECIFIED = 2
_SRGB_GAMMA = 0.45455
"""What PNG, 11.3.2.5 has writers put into gAMA for sRGB, whose curve no exponent is."""
_NEAR = 0.005
"""How far chromaticities and gamma may lie from those of sRGB and still mean it."""
_LARGEST_PROFILE, _LARGEST_EXIF = 2**26, 2**20
_TEXTS = {"tEXt", "zTXt", "iTXt"}
_COLOURS = {"cICP", "iCCP", "sRGB", "gAMA", "cHRM"}
_EXIF_TEXT = b"Raw profile type exif\0"
_SIZES = {"cICP": 4, "gAMA": 4, "cHRM": 32}

Chunks = dict[str, bytes]


def read_png(data: bytes) -> tuple[bytes, Told]:
    """A PNG without texts and colour chunks, which decoders limit in size or apply on their own;
    and what these say of its colours, in the order of PNG, third edition: cICP, iCCP, sRGB, then
    gAMA and cHRM.

    Raises:
        ImageRejected: `hdr`, `unknown-colour`, or its structure is damaged.
    """
    colours, kept = Chunks(), [data[:8]]
    for name, start, end in png_chunks(data):
        if name in _COLOURS and end - start == _SIZES.get(name, end - start):
            colours.setdefault(name, data[start:end])
        if name in _COLOURS or (name in _TEXTS and not _is_exif(name, data[start:end])):
            continue
        kept.append(data[start - 8 : end + 4])
    return b"".join(kept), _told(colours)


def _is_exif(name: str, content: bytes) -> bool:
    """Whether a text holds what ImageMagick makes of EXIF, in a size that decoders allow."""
    if not content.startswith(_EXIF_TEXT) or len(content) > _LARGEST_EXIF:
        return False
    packed = content[len(_EXIF_TEXT) + 1 :]
    return name == "tEXt" or (name == "zTXt" and _inflated(packed, _LARGEST_EXIF) is not None)


def _told(chunks: Chunks) -> Told:
    unknown = ""
    if "cICP" in chunks:
        primaries, transfer, matrix, full = chunks["cICP"]
        if transfer in HDR:
            raise rejected_hdr(HDR[transfer])
        if primaries in _PRIMARIES and transfer in _TRANSFERS and matrix == 0:
            space = of_primaries(*_PRIMARIES[primaries], _TRANSFERS[transfer])
            return Told(space=replace(space, narrow=full == 0), by=Conversion.CICP_TO_SRGB)
        if (primaries, transfer) != (_UNSPECIFIED, _UNSPECIFIED):
            unknown = f"colour primaries {primaries}, transfer {transfer} and matrix {matrix}"
    if "iCCP" in chunks:
        return Told(profile=_profile(chunks["iCCP"]), by=Conversion.ICC_TO_SRGB)
    if "sRGB" in chunks:
        return Told(space=SRGB)
    if "gAMA" in chunks or "cHRM" in chunks:
        return _by_gamma(chunks)
    if unknown:
        detail = f"The cICP chunk says {unknown}; convert the image to sRGB first."
        raise ImageRejected(ImageReason.UNKNOWN_COLOUR, detail)
    return Told()


def _profile(content: bytes) -> bytes:
    """The profile of an iCCP chunk; where it cannot be inflated, one that cannot be read either."""
    _, _, compressed = content.partition(b"\0")
    return _inflated(compressed[1:], _LARGEST_PROFILE) or compressed


def _inflated(compressed: bytes, most: int) -> bytes | None:
    """None if it is damaged, or more than `most` bytes."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(compressed, most)
    except zlib.error:
        return None
    return found if inflater.eof else None


def _by_gamma(chunks: Chunks) -> Told:
    """The gAMA chunk is the exponent from light to values; without it, the curve is that of sRGB;
    without cHRM, the primaries are.
    """
    points, gamma = _PRIMARIES[1], _SRGB_GAMMA
    if "cHRM" in chunks:
        numbers = [number / 100_000 for number in struct.unpack(">8I", chunks["cHRM"])]
        white, red, green, blue = zip(numbers[::2], numbers[1::2], strict=True)
        points = (red, green, blue, white)
    if "gAMA" in chunks:
        gamma = struct.unpack(">I", chunks["gAMA"])[0] / 100_000
    of_srgb = np.abs(np.subtract(points, _PRIMARIES[1])).max() < _NEAR
    if of_srgb and abs(gamma - _SRGB_GAMMA) < _NEAR:
        return Told(space=SRGB)
    curve = power(1 / max(gamma, 1e-5)) if "gAMA" in chunks else srgb_curve()
    try:
        return Told(space=of_primaries(*points, curve), by=Conversion.GAMMA_TO_SRGB)
    except ValueError:
        return Told(by=Conversion.BROKEN_COLOUR_IGNORED)

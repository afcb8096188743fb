"""What of an ICC profile is needed to convert at any depth: its curves and primaries, or that it is
of HDR. Numbers in ICC.1:2022.
"""

from __future__ import annotations

import re
import struct

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.colour_space import ColourSpace, Curve, by_parts, power

HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of Rec. ITU-T H.273."""
_BY_TABLES = {b"A2B0", b"A2B1", b"D2B1"}
"""Tags of conversions that stand before curves and primaries, with the relative intent."""
_COLOURS, _CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
_NAMED_HDR = re.compile(
    r"(?<![a-z])(PQ|HLG)(?![a-z])|(ST[ -]?|SMPTE[ -]?)2084|(BT[. -]?|ITUR_|Rec[. ]*)2100",
    re.IGNORECASE,
)
_DARKEST_HALF = 0.1
"""Light of half the value below which a curve is PQ (0.009) or HLG (0.083); of gamma 2.8 it is
0.144."""

Tags = dict[bytes, bytes]


def tags_of(profile: bytes) -> Tags:
    """The elements of a profile by signature: 7.3.

    Raises:
        struct.error: The profile ends early.
    """
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (
        struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(min(count, 200))
    )
    return {name: profile[start : start + length] for name, start, length in entries}


def matrix_space(profile: bytes) -> ColourSpace | None:
    """The space of a profile of curves and primaries (8.3.3), or of a grey one (8.3.4).

    Returns:
        None where other tables decide, or the connection space is not XYZ.

    Raises:
        ValueError: Something of it is missing or makes no sense.
        struct.error: An element ends early.
    """
    tags = tags_of(profile)
    if _BY_TABLES & tags.keys() or profile[20:24] != b"XYZ ":
        return None
    if profile[16:20] == b"GRAY":
        return ColourSpace((_curve(_found(tags, b"kTRC")),), np.eye(3))
    columns = [_xyz(_found(tags, name)) for name in _COLOURS]
    curves = tuple(_curve(_found(tags, name)) for name in _CURVES)
    return ColourSpace(curves, np.stack(columns, axis=1))


def hdr_of(profile: bytes, description: str) -> str:
    """What says that a profile is of HDR (PQ or HLG); empty if nothing does."""
    try:
        tags = tags_of(profile)
        transfer = tags.get(b"cicp", bytes(12))[9:10]  # 9.2.17
        if transfer and transfer[0] in HDR:
            return HDR[transfer[0]]
        if _NAMED_HDR.search(description):
            return description.strip()
        space = matrix_space(profile)
        if space is not None and space.curves[0](np.array([0.5]))[0] < _DARKEST_HALF:
            return "a curve as steep as that of PQ or HLG"
    except (struct.error, ValueError):  # of which the conversion will speak
        pass
    return ""


def _found(tags: Tags, name: bytes) -> bytes:
    if name not in tags:
        raise ValueError(f"the profile has no {name.decode()}")
    return tags[name]


def _xyz(element: bytes) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", element, 8)) / 65536


def _curve(element: bytes) -> Curve:
    if element[:4] == b"curv":
        return _sampled(element)
    if element[:4] == b"para":
        return _parametric(element)
    raise ValueError(f"the curve is of type {element[:4]!r}")


def _sampled(element: bytes) -> Curve:
    """10.6: nothing, a gamma, or samples."""
    (count,) = struct.unpack_from(">I", element, 8)
    if count == 0:
        return power(1)
    if count == 1:
        return power(struct.unpack_from(">H", element, 12)[0] / 256)
    samples = np.array(struct.unpack_from(f">{count}H", element, 12)) / 65535
    return lambda values: np.interp(values, np.linspace(0, 1, count), samples)


def _parametric(element: bytes) -> Curve:
    """10.18, table 68."""
    kind, _ = struct.unpack_from(">HH", element, 8)
    if kind > 4:
        raise ValueError(f"the parametric curve is of kind {kind}")
    gamma, *rest = (
        value / 65536 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", element, 12)
    )
    if kind == 0:
        return power(gamma)
    gain, offset = rest[:2]
    if kind <= 2:
        constant = rest[2] if kind == 2 else 0.0
        if gain == 0:
            raise ValueError("the parametric curve has a gain of 0")
        plain = by_parts(gain, offset, gamma, 0, -offset / gain)
        return lambda values: plain(values) + constant
    slope, until = rest[2:4]
    above, below = rest[4:] if kind == 4 else (0.0, 0.0)
    plain = by_parts(gain, offset, gamma, slope, until)
    return lambda values: plain(values) + np.where(values >= until, above, below)

"""Colour spaces of three primaries and a curve, and the way from them to 8-bit sRGB.

Values become linear light by a table, sRGB's primaries by a matrix, and are rounded to 8 bits once,
at the end. Tables and matrices are whole multiples of small units, so that every machine gives the
same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From stored values to linear light, both in 0..1."""
Point = tuple[float, float]
"""CIE 1931 chromaticity x, y."""

D50 = np.array([0.9642, 1.0, 0.8249])
"""White of the connection space of ICC profiles: ICC.1:2022, 7.2.16."""
D65: Point = (0.3127, 0.3290)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""ICC.1:2022, annex E.3."""
_LIGHT, _WEIGHT, _FINE = 2**24, 2**20, 2**20
"""Units of linear light, of the matrix, and of the last table: a 300th of the narrowest level."""
IMPERCEPTIBLE = 1
"""Largest change, in intensity levels, by a conversion that is taken for none."""
_BAND = 2**20
"""Pixels at a time, so that large images take no more memory than small ones."""


@dataclass(frozen=True, eq=False)
class ColourSpace:
    """How the values of a file become light."""

    curves: tuple[Curve, ...]
    """Of red, green and blue; or the one of grey."""
    to_xyz: NDArray[np.float64]
    """(3, 3): from linear RGB to XYZ relative to D50; without meaning for grey."""
    narrow: bool = False
    """Whether black and white lie at 16/256 and 235/256 of the levels (H.273, 8.3)."""


def power(exponent: float) -> Curve:
    """Light is the value to a power."""
    return lambda values: np.power(values, exponent)


def by_parts(gain: float, offset: float, exponent: float, slope: float, until: float) -> Curve:
    """`(gain v + offset) ** exponent` from `until` on, and `slope v` below."""

    def curve(values: NDArray[np.float64]) -> NDArray[np.float64]:
        above = np.power(np.maximum(gain * values + offset, 0), exponent)
        return np.where(values >= until, above, slope * values)

    return curve


def srgb_curve() -> Curve:
    """IEC 61966-2-1."""
    return by_parts(1 / 1.055, 0.055 / 1.055, 2.4, 1 / 12.92, 0.04045)


def of_primaries(red: Point, green: Point, blue: Point, white: Point, curve: Curve) -> ColourSpace:
    """A space by its chromaticities, its white adapted to D50 as ICC.1:2022, annex E has it.

    Raises:
        ValueError: They span no space of colours.
    """
    points = np.array([red, green, blue, white], np.float64)
    if not (points[:, 1] > 0).all():
        raise ValueError(f"the chromaticities {points.tolist()} are none")
    x, y = points.T
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    directions, white_xyz = xyz[:, :3], xyz[:, 3]
    if abs(np.linalg.det(directions)) < 1e-3:
        raise ValueError(f"the primaries {points[:3].tolist()} lie on a line")
    to_xyz = directions * np.linalg.solve(directions, white_xyz)
    ratio = (_BRADFORD @ D50) / (_BRADFORD @ white_xyz)
    adapted = np.linalg.solve(_BRADFORD, ratio[:, None] * (_BRADFORD @ to_xyz))
    return ColourSpace((curve,) * 3, adapted)


REC_709: tuple[Point, Point, Point] = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
SRGB = of_primaries(*REC_709, D65, srgb_curve())
ADOBE_RGB = of_primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65, power(563 / 256))
"""Adobe RGB (1998) Color Image Encoding, 4.3.1."""


def to_srgb8(
    values: NDArray[np.uint8] | NDArray[np.uint16], space: ColourSpace
) -> NDArray[np.uint8]:
    """Relative colorimetric conversion to sRGB, rounded once.

    Args:
        values: (height, width, 3) of RGB, or (height, width) of grey; all levels of the type count.
        space: What they mean.

    Returns:
        (height, width, 3) uint8; what lies outside sRGB is clipped by channel.
    """
    tables = [_light(curve, values.dtype, narrow=space.narrow) for curve in space.curves]
    if values.ndim == 2 and len(set(space.curves)) == 1:
        grey = _encoded()[_fine(tables[0] * _WEIGHT)]  # white stays white, so grey stays grey
        return np.repeat(grey[values][..., None], 3, axis=2)
    rgb = values if values.ndim == 3 else np.stack([values] * 3, axis=-1)
    matrix = np.rint(np.linalg.solve(SRGB.to_xyz, space.to_xyz) * _WEIGHT)
    result = np.empty(rgb.shape, np.uint8)
    flat, made = rgb.reshape(-1, 3), result.reshape(-1, 3)
    for start in range(0, len(flat), _BAND):
        band = slice(start, start + _BAND)
        light = [table[flat[band, channel]] for channel, table in enumerate(tables)]
        for channel, weights in enumerate(matrix):
            mixed = light[0] * weights[0] + light[1] * weights[1] + light[2] * weights[2]
            made[band, channel] = _encoded()[_fine(mixed)]
    return result


def changes_nothing(space: ColourSpace) -> bool:
    """Whether no pixel would change by more than could be seen, as of sRGB itself."""
    probe = probe_levels()
    return bool(np.abs(to_srgb8(probe, space).astype(int) - probe).max() <= IMPERCEPTIBLE)


def probe_levels() -> NDArray[np.uint8]:
    """Colours that show whether a conversion changes any, (1, 5832, 3) uint8."""
    levels = np.arange(0, 256, 15).astype(np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)


def _light(curve: Curve, kind: np.dtype[np.generic], *, narrow: bool) -> NDArray[np.float64]:
    """The light of every level, in units of 1 / `_LIGHT`."""
    bits = 8 * kind.itemsize
    levels = np.arange(2**bits, dtype=np.float64)
    if narrow:
        values = (levels / 2 ** (bits - 8) - 16) / 219
    else:
        values = levels / (2**bits - 1)
    light: NDArray[np.float64] = np.rint(curve(values.clip(0, 1)).clip(0, 1) * _LIGHT)
    return light


def _fine(mixed: NDArray[np.float64]) -> NDArray[np.int64]:
    """Light in units of 1 / (`_LIGHT` `_WEIGHT`) as an index of `_encoded`."""
    scaled = np.floor(mixed * (_FINE / (_LIGHT * _WEIGHT)) + 0.5)
    return scaled.clip(0, _FINE).astype(np.int64)


@lru_cache(maxsize=1)
def _encoded() -> NDArray[np.uint8]:
    """The 8-bit sRGB level of light in units of 1 / `_FINE`: IEC 61966-2-1, rounded."""
    light = np.arange(_FINE + 1) / _FINE
    above = 1.055 * np.power(light, 1 / 2.4) - 0.055
    levels: NDArray[np.uint8] = np.rint(
        np.where(light <= 0.0031308, 12.92 * light, above) * 255
    ).astype(np.uint8)
    return levels

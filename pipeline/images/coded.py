"""JPEGs as they were coded: upright, but in the colours of the file.

What compression did to an image is known of these pixels; of sRGB pixels only where the file is
sRGB itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.colour import from_eight_bit, to_srgb_of
from pairmill.pipeline.images.decode import upright
from pairmill.pipeline.images.header import read_header
from pairmill.pipeline.images.plain_jpeg import decode_plain
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.images.told import Told
from pairmill.schemas.image import Conversion, ImageRecord, IngestConfig

CONVERTED = {Conversion.ICC_TO_SRGB, Conversion.EXIF_COLOUR_TO_SRGB}
"""What tells that a JPEG was not in sRGB."""
JPEG = ("JPEG", "MPO")
NEAR = np.arange(-15, 16, 6)
"""Levels around a colour in which its slope is measured."""


@dataclass(frozen=True, eq=False)
class Coded:
    """The pixels of a JPEG in its own colours."""

    pixels: NDArray[np.uint8]
    """(height, width, 3) RGB, upright."""
    told: Told
    """What the file says of its colours."""

    def slope(self, colour: NDArray[np.float64]) -> NDArray[np.float64]:
        """(3, 3): what small differences from a colour (3,) of the file become in sRGB, by least
        squares: `differences @ slope`.
        """
        around = np.stack(np.meshgrid(NEAR, NEAR, NEAR), axis=-1).reshape(-1, 3)
        near = np.clip(np.rint(colour) + around, 0, 255).astype(np.uint8)
        there = to_srgb_of(near[None], self.told)[0].astype(np.float64)
        known = np.column_stack([near.astype(np.float64), np.ones(len(near))])
        return np.asarray(np.linalg.lstsq(known, there, rcond=None)[0][:3])


def load_coded(record: ImageRecord) -> Coded | None:
    """An ingested JPEG as it was coded; none of others, and where nothing was converted."""
    if record.format not in JPEG or not CONVERTED & set(record.conversions):
        return None
    accepted = IngestConfig(
        min_side=min(record.width, record.height), max_pixels=record.width * record.height
    )
    header = read_header(read_image(record.url), accepted)
    plain = decode_plain(header, header.data)
    pixels = from_eight_bit(header) if plain is None else plain
    return Coded(upright(pixels, header), header.told)

"""The encoder of a JPEG file, as its header tells."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from pairmill.pipeline.compression.tables import (
    CHROMA,
    FACTORS,
    Encoder,
    Table,
    nearest_quality,
    standard,
)
from pairmill.pipeline.images.damage import reading
from pairmill.schemas.compression import MinedSubsampling

_SUBSAMPLING: dict[tuple[int, int], MinedSubsampling] = {
    (1, 1): "444",
    (1, 2): "422",
    (2, 1): "440",
    (2, 2): "420",
    (1, 4): "420",
    (4, 1): "420",
    (2, 4): "420",
}
"""By rows and columns of pixels per chroma sample; rarer ones than 4:2:0 lose about as much as that
does."""
_TURNED: dict[MinedSubsampling, MinedSubsampling] = {"422": "440", "440": "422"}
_TRANSPOSED = {5, 6, 7, 8}
_ROWS_FROM_END, _COLUMNS_FROM_END = {3, 4, 7, 8}, {2, 3, 6, 7}
"""EXIF orientations whose upright image has its first row, or column, where the stored grid ends,
maybe inside a block."""


@dataclass(frozen=True, eq=False)
class FileEncoder:
    """The encoder of a file, turned like the upright image."""

    encoder: Encoder
    phase: tuple[int, int]
    """Rows and columns by which the upright image starts inside its first block."""
    known: tuple[int, int] = (64, 64)
    """Steps of luma, and of Cb and Cr together, that are as the file says."""


def read_encoder(data: bytes, orientation: int) -> FileEncoder | None:
    """Tables, subsampling and phase of a JPEG file, without decoding a pixel.

    A greyscale JPEG has no chroma table; it gets the standard one of the quality nearest to its
    luma table, which leaves grey pixels grey. Of tables of their own for Cb and Cr, the smaller
    step of each cosine is taken.

    Args:
        data: The file.
        orientation: EXIF orientation, 1..8, that decoding has undone.

    Returns:
        The encoder, or none if the components are not grey or YCbCr, so that luma was not
        compressed apart from chroma.

    Raises:
        ImageRejected: if the file is damaged.
    """
    with reading("JPEG", data):
        image = JpegImageFile(BytesIO(data))
        tables = {
            number: np.array(steps, np.int64).reshape(8, 8)
            for number, steps in image.quantization.items()
        }
        layers: list[tuple[int, int, int, int]] = image.layer
        transform = image.info.get("adobe_transform")
        width, height = image.size
    if len(layers) not in (1, 3) or any(layer[3] not in tables for layer in layers):
        return None
    if len(layers) == 3 and (transform == 0 or bytes(layer[0] for layer in layers) == b"RGB"):
        return None
    stored = _encoder(tables, layers)
    known = 64, int((tables[layers[-1][3]] == tables[layers[len(layers) // 2][3]]).sum())
    if orientation not in _TRANSPOSED:
        return FileEncoder(stored, _phase(stored, (height, width), orientation), known)
    turned = Encoder(
        stored.luma.T, stored.chroma.T, _TURNED.get(stored.subsampling, stored.subsampling)
    )
    return FileEncoder(turned, _phase(turned, (width, height), orientation), known)


def _encoder(tables: dict[int, Table], layers: list[tuple[int, int, int, int]]) -> Encoder:
    luma = tables[layers[0][3]]
    if len(layers) == 1:
        return Encoder(luma, standard(CHROMA, nearest_quality(luma)[0]), "444")
    (_, columns, rows, _), (_, *chroma, blue), (*_, red) = layers
    factors = (max(1, rows // chroma[1]), max(1, columns // chroma[0]))
    # One chroma table is what a row holds and ordinary encoders write: the finer step of each
    # cosine, so that no noise that got through either is quantised away.
    both = np.minimum(tables[blue], tables[red])
    return Encoder(luma, both, _SUBSAMPLING.get(factors, "420"))


def _phase(encoder: Encoder, size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Phase of an upright image of (rows, columns)."""
    tall, wide = (8 * factor for factor in FACTORS[encoder.subsampling])
    rows = -size[0] % tall if orientation in _ROWS_FROM_END else 0
    return rows, -size[1] % wide if orientation in _COLUMNS_FROM_END else 0

"""Baseline JPEG, encoded and decoded by libjpeg-turbo: by quality, or with any quantisation tables.

One law for both paths: the accurate integer DCT, averaged chroma, "fancy" upsampling, which are
libjpeg-turbo's defaults. OpenCV is the quicker one, Pillow takes tables; the same tables give the
same pixels in both.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Image8 = NDArray[np.uint8]
Subsampling = Literal["444", "422", "420"]
Phase = tuple[int, int]

FACTORS = {
    "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "422": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}
PILLOW = {"444": 0, "422": 1, "420": 2}


def roundtrip_quality(
    image: Image8, quality: int, subsampling: Subsampling = "420", phase: Phase = (0, 0)
) -> Image8:
    """Encode and decode (H, W, 3) with the standard tables of `quality`, 1..100 on libjpeg's scale.

    Args:
        image: RGB.
        quality: See `pairmill.models.functional.jpeg.tables_of`, which gives the same tables.
        subsampling: Chroma subsampling.
        phase: As in `roundtrip`.
    """
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        FACTORS[subsampling],
    ]
    padded = _shifted(image, phase)
    encoded = cv2.imencode(".jpg", cv2.cvtColor(padded, cv2.COLOR_RGB2BGR), options)[1]
    return _cropped(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8), phase)


def roundtrip(
    image: Image8,
    tables: tuple[Sequence[int], Sequence[int]],
    subsampling: Subsampling = "420",
    phase: Phase = (0, 0),
) -> Image8:
    """Encode and decode (H, W, 3) with given quantisation tables.

    Args:
        image: RGB.
        tables: Luma and chroma table, 64 steps each, 1..255, in natural order: row by row, the
            horizontal frequency runs first, so that `tables[0][1]` is the first horizontal one.
            Pillow's `image.quantization` has the same order; the file's DQT segment does not (it is
            in zigzag order).
        subsampling: Chroma subsampling.
        phase: Rows and columns, 0..15, by which the image starts inside its first block: block
            borders lie at the rows `8 k - phase[0]`. The pixels before it are mirrored with the
            edge sample repeated.

    Raises:
        ValueError: if there are not two tables of 64 steps, or a step is outside 1..255, which
            baseline JPEG cannot hold.
    """
    return _cropped(_decoded(encode(_shifted(image, phase), tables, subsampling)), phase)


def encode(
    image: Image8, tables: tuple[Sequence[int], Sequence[int]], subsampling: Subsampling = "420"
) -> bytes:
    """The JPEG file of (H, W, 3) RGB; arguments and errors as in `roundtrip`."""
    steps = [[int(step) for step in table] for table in tables]
    if (
        [len(table) for table in steps] != [64, 64]
        or min(map(min, steps)) < 1
        or max(map(max, steps)) > 255
    ):
        raise ValueError(
            f"wanted two tables of 64 steps in 1..255, got {[len(table) for table in steps]} "
            f"steps: {steps}"
        )
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", qtables=steps, subsampling=PILLOW[subsampling])
    return file.getvalue()


def _decoded(encoded: bytes) -> Image8:
    return np.asarray(
        cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8
    )


def _shifted(image: Image8, phase: Phase) -> Image8:
    """The image with `phase` mirrored rows and columns before it."""
    if phase == (0, 0):
        return np.ascontiguousarray(image)
    return np.asarray(
        cv2.copyMakeBorder(image, phase[0], 0, phase[1], 0, cv2.BORDER_REFLECT), np.uint8
    )


def _cropped(image: Image8, phase: Phase) -> Image8:
    return np.ascontiguousarray(image[phase[0] :, phase[1] :])

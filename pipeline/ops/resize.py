"""Changing the size, and the range of values."""

from __future__ import annotations

import numpy as np

from pairmill.models.functional.imresize import imresize_down
from pairmill.models.functional.resize import bicubic_down, resize, to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.schemas.ops.resize import BicubicDown, Clip, Quantise, Resize, Subsample


def _subsample(op: Subsample, image: Image, _assets: Assets) -> Image:
    return image[:: op.scale, :: op.scale]


def _bicubic_down(op: BicubicDown, image: Image, _assets: Assets) -> Image:
    if op.form == "float":
        return bicubic_down(image, op.scale)
    if image.dtype != np.uint8:
        raise ValueError(
            f"bicubic_down of form matlab wants an 8-bit image, got {image.dtype}; quantise before "
            "it, or take form float"
        )
    return imresize_down(np.asarray(image, np.uint8), op.scale)


def _resize(op: Resize, image: Image, _assets: Assets) -> Image:
    return resize(image, op.height, op.width, op.method)


def _clip(_op: Clip, image: Image, _assets: Assets) -> Image:
    if image.dtype == np.uint8:
        return image
    return np.clip(image, 0.0, 255.0)


def _quantise(_op: Quantise, image: Image, _assets: Assets) -> Image:
    if image.dtype == np.uint8:
        return image
    return to_uint8(np.asarray(image, np.float64))


RESIZE: dict[type, Apply] = {
    Subsample: _subsample,
    BicubicDown: _bicubic_down,
    Resize: _resize,
    Clip: _clip,
    Quantise: _quantise,
}

"""Changing the size, and the range of values."""

from __future__ import annotations

import numpy as np

from models.functional.resize import bicubic_down, to_uint8
from pipeline.ops.base import Apply, Image
from pipeline.pools import Assets
from schemas.ops.resize import BicubicDown, Quantise, Subsample


def _subsample(op: Subsample, image: Image, _assets: Assets) -> Image:
    return image[:: op.scale, :: op.scale]


def _bicubic_down(op: BicubicDown, image: Image, _assets: Assets) -> Image:
    return bicubic_down(image, op.scale)


def _quantise(_op: Quantise, image: Image, _assets: Assets) -> Image:
    return to_uint8(np.asarray(image, np.float64))


RESIZE: dict[type, Apply] = {Subsample: _subsample, BicubicDown: _bicubic_down, Quantise: _quantise}

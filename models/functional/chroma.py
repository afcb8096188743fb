"""Luma and chroma: conversion for video, and chroma at half resolution, in arithmetic that is exact
in float64.

All weights are multiples of 2^-16 and all means and interpolations are dyadic, so no order of
summation and no processor changes a rounded value. Chroma samples lie in the centre of the luma
samples that they stand for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import to_uint8

Array = NDArray[np.float64]
Image8 = NDArray[np.uint8]
Planes = tuple[Image8, Image8, Image8]
"""Y (H, W), Cb and Cr, in digital levels."""

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of R, G and B in luma, of JPEG and of most still images (ITU-R BT.601)."""
BT601 = (0.299, 0.114)
"""Weights of red and blue in luma, of JPEG and of most still images."""
BT709 = (0.2126, 0.0722)
"""Weights of red and blue in luma, of high-definition video."""
GRID = 1 << 16


def grey(image: NDArray[np.generic]) -> Array:
    """Luma of (H, W, 3), ITU-R BT.601 weights, in the image's units."""
    return np.asarray(image.astype(np.float64) @ LUMA)


def forward(weights: tuple[float, float]) -> Array:
    """(3, 3): RGB in 0..1 to Y in 0..1, Cb and Cr in -1/2..1/2 (BT.601 section 2.5, BT.709 section
    3).
    """
    red, blue = weights
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack(
        [
            luma,
            (np.array([0, 0, 1]) - luma) / (2 - 2 * blue),
            (np.array([1, 0, 0]) - luma) / (2 - 2 * red),
        ]
    )


def on_grid(matrix: Array) -> Array:
    """Rounded to multiples of 2^-16."""
    return np.asarray(np.round(matrix * GRID) / GRID)


LEVELS = np.array([219.0, 224.0, 224.0])
"""Levels of the limited range: 16..235 for Y, 16..240 for Cb and Cr."""
OFFSETS = np.array([16.0, 128.0, 128.0])
TO_VIDEO = on_grid(LEVELS[:, None] * forward(BT709) / 255)
FROM_VIDEO = on_grid(255 * np.linalg.inv(forward(BT709)).astype(np.float64) / LEVELS)
CHROMA_OF = on_grid(forward(BT601)[1:])
"""(2, 3): Cb and Cr of full-range BT.601."""
OF_CHROMA = on_grid(np.linalg.inv(forward(BT601)).astype(np.float64)[:, 1:])
"""(3, 2): what Cb and Cr add to R, G and B."""


def halve(plane: Array, axis: int) -> Array:
    """Means of pairs along an axis of (H, W, ...); an odd last sample is repeated: n to ceil(n /
    2).
    """
    length = plane.shape[axis]
    even = np.take(plane, np.arange(0, length, 2), axis)
    # n odd: the last pair is the edge sample twice.
    odd = np.take(plane, np.minimum(np.arange(1, length + 1, 2), length - 1), axis)
    return np.asarray((even + odd) / 2)


def double(plane: Array, axis: int, length: int, smooth: bool) -> Array:
    """Upscale ceil(length / 2) samples along an axis to `length`: repeated, or with weights 3/4 and
    1/4 of the nearest two (bilinear between centres, libjpeg's "fancy upsampling"), the edge sample
    repeated.
    """
    places = np.arange(length)
    near = np.take(plane, places // 2, axis)
    if not smooth:
        return near
    # Chroma sample i lies between luma samples 2 i and 2 i + 1: even ones look back, odd ones on.
    beside = np.clip(places // 2 + np.where(places % 2, 1, -1), 0, plane.shape[axis] - 1)
    return np.asarray((3 * near + np.take(plane, beside, axis)) / 4)


def subsample_chroma(image: Image8, rows: bool, columns: bool, smooth: bool) -> Array:
    """Subsample the chroma (full-range BT.601) of (H, W, 3) RGB and leave the luma as it is;
    float64 that may overshoot.

    Only the change of the chroma is added to the image, so that grey stays grey and nothing happens
    at 4:4:4.

    Args:
        image: RGB, intensity levels.
        rows: Whether the chroma is subsampled to half the rows.
        columns: Whether the chroma is subsampled to half the columns.
        smooth: See `double`.
    """
    chroma = image.astype(np.float64) @ CHROMA_OF.T
    coarse = chroma
    # First all means, then all interpolations, as a codec does between file and image.
    axes = [axis for axis, reduced in enumerate((rows, columns)) if reduced]
    for axis in axes:
        coarse = halve(coarse, axis)
    for axis in axes:
        coarse = double(coarse, axis, image.shape[axis], smooth)
    return np.asarray(image + (coarse - chroma) @ OF_CHROMA.T)


def to_video(image: Image8) -> Planes:
    """(H, W, 3) RGB as 8-bit 4:2:0 planes, BT.709 in the limited range; (H, W), then twice (ceil(H
    / 2), ceil(W / 2)).
    """
    full = image.astype(np.float64) @ TO_VIDEO.T + OFFSETS
    chroma = to_uint8(halve(halve(full[..., 1:], 0), 1))
    return to_uint8(full[..., 0]), chroma[..., 0], chroma[..., 1]


def from_video(planes: Planes) -> Image8:
    """4:2:0 planes of `to_video` as (H, W, 3) RGB, the chroma upsampled bilinearly, clipped and
    rounded half up.
    """
    height, width = planes[0].shape
    coarse = np.stack(planes[1:], axis=-1).astype(np.float64) - OFFSETS[1:]
    chroma = double(double(coarse, 0, height, smooth=True), 1, width, smooth=True)
    luma = planes[0].astype(np.float64) - OFFSETS[0]
    return to_uint8(np.dstack([luma, chroma]) @ FROM_VIDEO.T)

"""Arrays as small images: heat maps, stretched residuals, thumbnails, crops."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import bicubic_up, to_uint8

Image = NDArray[np.uint8]
BELOW = np.array([64.0, 196.0, 255.0])
"""Colour of negative values in a heat map; magma has no blue as bright."""


def png(image: Image, effort: int = 3) -> bytes:
    """PNG of (H, W, 3) RGB or (H, W, 4) RGBA, uint8; the greatest effort, 9, takes ten times as
    long for 5 % less.
    """
    if image.shape[2] == 4:
        code = cv2.COLOR_RGBA2BGRA
    else:
        code = cv2.COLOR_RGB2BGR
    return _encoded(".png", cv2.cvtColor(image, code), [cv2.IMWRITE_PNG_COMPRESSION, effort])


def jpeg(image: Image, quality: int = 86) -> bytes:
    """JPEG of (H, W, 3) RGB uint8, for images whose pixels are not looked at."""
    return _encoded(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )


def _encoded(suffix: str, image: NDArray[Any], options: list[int]) -> bytes:
    ok, data = cv2.imencode(suffix, image, options)
    if not ok:
        raise ValueError(f"OpenCV could not encode an image of {image.shape} as {suffix}")
    return data.tobytes()


def heat(values: NDArray[np.floating[Any]], peak: float | None = None, low: float = 0.0) -> Image:
    """(H, W) as RGB: magma from `low` to `peak` (by default the largest magnitude), and blue below
    zero.
    """
    finite = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(np.abs(finite).max()) if peak is None else peak
    span = max(top - low, 1e-12)
    level = np.clip((finite - low) / span, 0, 1)
    colour = cv2.cvtColor(
        cv2.applyColorMap(np.rint(255 * level).astype(np.uint8), cv2.COLORMAP_MAGMA),
        cv2.COLOR_BGR2RGB,
    )
    if low != 0.0:
        return np.asarray(colour, np.uint8)
    depth = np.clip(-finite / span, 0, 1)[:, :, None]
    return to_uint8(colour * (1 - depth) + BELOW * depth)


def strip(kernels: NDArray[np.floating[Any]], columns: int = 4) -> Image:
    """(R, k, k) as one RGBA image, each kernel scaled to its own peak, transparent pixels between
    them.
    """
    side = kernels.shape[1]
    rows, columns = -(-len(kernels) // columns), min(columns, len(kernels))
    out = np.zeros((rows * (side + 1) - 1, columns * (side + 1) - 1, 4), np.uint8)
    for number, kernel in enumerate(kernels):
        top, left = (part * (side + 1) for part in divmod(number, columns))
        out[top : top + side, left : left + side, :3] = heat(kernel)
        out[top : top + side, left : left + side, 3] = 255
    return out


def stretched(residual: NDArray[np.floating[Any]], gain: float) -> Image:
    """A zero-mean residual (H, W, 3), in intensity levels, times `gain` around 128."""
    return to_uint8(128 + gain * residual.astype(np.float64))


def thumbnail(image: Image, longest: int = 288) -> Image:
    """The image downscaled by area averaging until its longest side is `longest`; smaller ones stay
    as they are.
    """
    factor = longest / max(image.shape[:2])
    if factor >= 1:
        return image
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(image: Image, scale: int) -> Image:
    """Bicubic upscaling, rounded once."""
    return to_uint8(bicubic_up(image, scale))


def nearest(image: Image, times: int) -> Image:
    """Every pixel as a square of `times` x `times`."""
    return np.ascontiguousarray(image.repeat(times, axis=0).repeat(times, axis=1))


def grey(image: Image) -> Image:
    """Luma of (H, W, 3) RGB."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def busiest(image: Image, side: int, step: int) -> tuple[int, int]:
    """(top, left), multiples of `step`, of the crop of `side` pixels that holds the most detail;
    near ones look the same, so only about sixteen places are tried.
    """
    energy = np.abs(cv2.Laplacian(grey(image), cv2.CV_32F))
    pace = max(step, side // 4 // step * step)
    tops, lefts = (range(0, max(1, length - side + 1), pace) for length in image.shape[:2])
    places = [(top, left) for top in tops for left in lefts]
    return max(places, key=lambda p: float(energy[p[0] : p[0] + side, p[1] : p[1] + side].sum()))

"""Images as blocks of DCT coefficients: colour planes, chroma samples, coefficients on steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from pairmill.models.functional.block_cosines import blocked, unblocked
from pairmill.models.functional.chroma import double

Plane = NDArray[np.float64]

TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)
"""JFIF: from R, G, B to Y, Cb, Cr, without the offset of 128 of chroma."""
TO_RGB = np.linalg.inv(TO_YCC)
HALVES = {
    (1, 2): np.array([[1, 2]]) / 4,
    (2, 1): np.array([[1], [2]]) / 4,
    (2, 2): np.array([[8, 7], [8, 7]]) / 16,
}
"""What libjpeg adds to the upsampled chroma of the pixels of a sample before it cuts off fractions,
by rows and columns per sample: a half goes up in some and down in others."""
PASSES = 2
"""How often coefficients are corrected by pixels that they do not explain; more change nothing."""


def planes(image: NDArray[np.generic]) -> Plane:
    """Y, Cb and Cr of (..., H, W, 3) RGB as (3, ..., H, W), Cb and Cr around 0, in intensity
    levels.
    """
    return np.asarray(np.moveaxis(image.astype(np.float64) @ TO_YCC.T, -1, 0))


def rgb(ycc: Plane) -> Plane:
    """The inverse of `planes`."""
    return np.asarray(np.moveaxis(ycc, 0, -1) @ TO_RGB.T)


def reduced(plane: Plane, factors: tuple[int, int]) -> Plane:
    """The chroma samples that libjpeg upsampled to `plane` (..., H, W) with its triangle filter.

    A sample a[i] became the pixels (a[i - 1] + 3 a[i]) / 4 and (3 a[i] + a[i + 1]) / 4; their mean
    is (1, 6, 1) / 8 of the samples, which is solved.

    Args:
        plane: Starts with a whole sample.
        factors: Rows and columns per sample, 1 or 2.
    """
    for axis, factor in zip((-2, -1), factors, strict=True):
        if factor == 2:
            plane = np.moveaxis(_halved(np.moveaxis(plane, axis, -1)), -1, axis)
    return plane


def stored(plane: Plane, table: NDArray[np.int64], factors: tuple[int, int]) -> Plane:
    """The coefficients (..., h, w, 8, 8) of which libjpeg decoded `plane` (..., H, W): multiples of
    the steps of `table` (8, 8).

    A decoder rounds its samples, and what it upsamples from them once more. Of weak chroma, a level
    strong here and there, the second rounding makes 9/16 and more a whole level, so that `reduced`
    finds a third too much of it (standard deviation). So coefficients are sought whose decoding
    gives these pixels.

    Args:
        plane: Y less 128, Cb or Cr of an image in its own colours, a rounding of R, G and B away
            from whole numbers; sides are whole blocks.
        table: Steps, in intensity levels.
        factors: Rows and columns of pixels per sample, 1 or 2.
    """
    whole = np.rint(plane)
    found = _on_steps(reduced(whole, factors), table)
    for _ in range(PASSES if factors != (1, 1) else 0):
        samples = np.floor(unblocked(found) + 0.5)
        samples = samples + reduced(whole - _upsampled(samples, factors), factors)
        found = _on_steps(samples, table)
    return found


def _on_steps(samples: Plane, table: NDArray[np.int64]) -> Plane:
    return np.asarray(table * np.rint(blocked(samples) / table))


def _upsampled(samples: Plane, factors: tuple[int, int]) -> Plane:
    """Pixels of samples (..., h, w), rounded as libjpeg does."""
    for axis, factor in zip((-2, -1), factors, strict=True):
        if factor == 2:
            samples = double(samples, axis, 2 * samples.shape[axis], True)
    rows, columns = samples.shape[-2] // factors[0], samples.shape[-1] // factors[1]
    return np.asarray(np.floor(samples + np.tile(HALVES[factors], (rows, columns))))


def _halved(plane: Plane) -> Plane:
    count = plane.shape[-1] // 2
    pairs = plane[..., : 2 * count].reshape(*plane.shape[:-1], count, 2)
    if count < 2:
        return np.asarray(pairs.mean(axis=-1))
    known, bands = pairs.mean(axis=-1), np.full((3, count), 1 / 8)
    bands[1] = 6 / 8
    # What lies before the first and after the last pair is not known; their inner pixels do without
    # it.
    known[..., 0], known[..., -1] = pairs[..., 0, 1], pairs[..., -1, 0]
    bands[1, [0, -1]], bands[0, 1], bands[2, -2] = 3 / 4, 1 / 4, 1 / 4
    return np.asarray(
        solve_banded((1, 1), bands, known.reshape(-1, count).T).T.reshape(known.shape)
    )

"""What the noise of an image can look like: white or behind a mosaic, blurred or sharpened since.

Noise is described by its power spectrum: for every spatial frequency the covariance of Y, Cb and
Cr, averaged over the places of a colour pattern. White noise of R, G and B is flat; a mosaic
(Malvar, He and Cutler 2004) leaves chroma little but coarse noise, and what it leaves follows
from its filters alone; a Gaussian or an unsharp mask on the developed image multiplies both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.camera import demosaic, mosaic

Floats = NDArray[np.float64]

REACH = 2
"""Pixels that the demosaicking filters reach to each side."""
MASK = 1.0
"""Width of the unsharp mask, in pixels."""


@dataclass(frozen=True)
class Shape:
    """How noise hangs together, whatever its strength."""

    mosaic: bool = False
    """Whether each pixel of the sensor saw one colour, and the others were interpolated."""
    blur: float = 0.0
    """Width of the Gaussian that came after it, in pixels."""
    sharpened: float = 0.0
    """What an unsharp mask added of the image minus its blur."""

    def spectra(self, side: tuple[int, int], planes: Floats) -> Floats:
        """(3, 3, 3, rows, columns): covariance of planes i and j at every frequency of
        `numpy.fft.fft2`, per unit of variance at the pixels of R, G or B, which come first.

        Args:
            side: Rows and columns.
            planes: (3, 3): how the planes are made of R, G and B.
        """
        plain = _behind_mosaic(side) if self.mosaic else _white(side)
        mixed = np.einsum("ip,cpqhw,jq->cijhw", planes, plain, planes)
        return np.asarray(mixed * np.square(self._passed(side)))

    def _passed(self, side: tuple[int, int]) -> Floats:
        """What blur and mask leave of the amplitude of each frequency."""
        rows, columns = (np.fft.fftfreq(length) for length in side)
        square = 2 * np.pi**2 * (rows[:, None] ** 2 + columns**2)
        mask = 1 + self.sharpened * (1 - np.exp(-square * MASK**2))
        return np.asarray(np.exp(-square * self.blur**2) * mask)


def _white(side: tuple[int, int]) -> Floats:
    flat = np.zeros((3, 3, 3, *side))
    for colour in range(3):
        flat[colour, colour, colour] = 1.0
    return flat


@lru_cache(maxsize=16)
def _behind_mosaic(side: tuple[int, int]) -> Floats:
    """(3, 3, 3, rows, columns): see `Shape.spectra`, of R, G and B themselves."""
    wide = 2 * REACH + 1
    colours = mosaic(np.tile(np.arange(3.0), (2, 2, 1)), "rggb").astype(int)
    found = np.zeros((3, 3, 3, *side))
    for row, column in product(range(2), range(2)):
        pixel = np.zeros((4 * wide, 4 * wide))
        top, left = 2 * wide + row, 2 * wide + column
        pixel[top, left] = 1.0
        answer = demosaic(pixel, "rggb")[
            top - REACH : top + REACH + 1, left - REACH : left + REACH + 1
        ]
        heard = np.fft.fft2(_wrapped(answer, side), axes=(0, 1))
        # One pixel of four is this one.
        found[colours[row, column]] += np.einsum("hwp,hwq->pqhw", heard, heard.conj()).real / 4
    found.setflags(write=False)
    return found


def _wrapped(answer: Floats, side: tuple[int, int]) -> Floats:
    """A response laid on a periodic image, however small that is."""
    laid = np.zeros((*side, 3))
    rows, columns = (np.arange(len(answer)) % length for length in side)
    np.add.at(laid, (rows[:, None], columns[None]), answer)
    return laid

"""Photographs in half-overlapping blocks: their mean power spectrum, and a filter by it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIDE = 32
"""Side of the blocks whose spectra are averaged, in pixels."""
HALF = SIDE // 2
MOST_BLOCKS = 4096
"""Blocks that are looked at: more, evenly spread, would not change the mean of a large photograph
by one per cent."""


def block_power(grey: Array, side: int = SIDE, most: int = MOST_BLOCKS) -> Array:
    """(side, side // 2 + 1): mean power of half-overlapping blocks under a squared sine window;
    of about `most` of them in a large picture.
    """
    from scipy.fft import rfft2  # late: it takes half a second

    wave = np.square(_sine(side))
    taper = np.outer(wave, wave)
    total, count = np.zeros((side, side // 2 + 1)), 0
    step = _step(grey.shape, side, most)
    for top in range(0, grey.shape[0] - side + 1, step):
        strip = np.lib.stride_tricks.sliding_window_view(grey[top : top + side], side, axis=1)
        blocks = strip[:, ::step].transpose(1, 0, 2)
        # The weighted mean, so that the window leaks none of it.
        means = np.tensordot(blocks, taper, 2) / taper.sum()
        waves = rfft2((blocks - means[:, None, None]) * taper)
        total += (np.square(waves.real) + np.square(waves.imag)).sum(0)
        count += len(blocks)
    return np.asarray(total / count / np.square(taper).sum())


def _step(shape: tuple[int, ...], side: int, most: int) -> int:
    """Distance between blocks: half a block, or as many as make `most` of them."""
    return max(side // 2, int(math.sqrt(shape[0] * shape[1] / most)))


def _sine(side: int) -> Array:
    return np.asarray(np.sin(np.pi * (np.arange(side) + 0.5) / side))


class BlockWaves:
    """A picture whose frequencies can be weighed, under a sine window to and fro; mirrored beyond
    its borders.
    """

    def __init__(self, grey: Array) -> None:
        from scipy.fft import rfft2  # late, as above

        self._shape = grey.shape
        self._taper = np.outer(_sine(SIDE), _sine(SIDE))
        beyond = [(HALF, HALF + -length % HALF) for length in grey.shape]
        wide = np.pad(grey, beyond, mode="reflect")
        view = np.lib.stride_tricks.sliding_window_view(wide, (SIDE, SIDE))[::HALF, ::HALF]
        self._waves = rfft2(view * self._taper)

    def weighed(self, gain: Array) -> Array:
        """The picture, each frequency times `gain` (SIDE, SIDE // 2 + 1)."""
        from scipy.fft import irfft2  # late, as above

        blocks = irfft2(self._waves * gain, s=(SIDE, SIDE)) * self._taper
        rows, columns = blocks.shape[:2]
        wide = np.zeros((rows + 1, HALF, columns + 1, HALF))
        for down in (0, 1):
            for across in (0, 1):
                part = blocks[:, :, down * HALF :, across * HALF :][:, :, :HALF, :HALF]
                wide[down : down + rows, :, across : across + columns] += part.swapaxes(1, 2)
        whole = wide.reshape((rows + 1) * HALF, (columns + 1) * HALF)
        height, width = self._shape
        return whole[HALF : HALF + height, HALF : HALF + width]

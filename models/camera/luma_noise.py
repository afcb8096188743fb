"""The noise of luma before JPEG: how strong it is, and whether it is white.

A mosaic (Malvar, He and Cutler 2004) leaves coarse noise twice as strong as JPEG's fine cosines
show it, and hardly any in the finest. So noise that fits this better is not white.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import (
    BLOCK,
    COARSE,
    FINE,
    MOST,
    MULTIPLES,
    SIGMAS,
    basis,
    cosines,
    logarithms,
)
from pairmill.models.camera.noise_spectra import Shape
from pairmill.models.functional.chroma import LUMA

Floats = NDArray[np.float64]

BALANCE = (2.0, 1.0, 1.75)
"""Usual white balance: what R, G and B are multiplied by."""
SIDE = 64
"""Side of the field that cosines of 8 x 8 blocks are told from, in pixels."""
FLATTEST, FEWEST_FLAT = 0.02, 3
"""Share of the blocks of a photograph that its noise is told by, and the fewest of them."""
OF_TEXTURE, LEAST_OF_FINE = 0.07, 0.125
"""Share of their coarse power that fine cosines usually have of texture (0.03 to 0.15 where the
noise was known), and share of the fine power that is noise at least."""
SEEN, MOST_UNSURE = 0.12, 0.65
"""Fine steps that noise which is seen through them has at least (standard deviation), and how
unsure it may be."""
CLIPPED = 1.5
"""How near to black or white luma is taken for clipped, in intensity levels."""
SURE = 0.35
"""Standard deviation of the logarithm of noise where blocks have no texture."""
WITHIN = 0.5
"""Logarithm of the likelihood that noise a standard deviation away has less than the likeliest."""


@dataclass(frozen=True)
class LumaNoise:
    """Noise of luma before JPEG."""

    variance: float
    """Mean of its fine cosines, in squared intensity levels."""
    error: float
    """Standard deviation of the logarithm of that: wide where JPEG took all of it, or where nothing
    is flat."""
    white: bool
    """Whether it looks white, rather than like noise behind a mosaic."""

    def seen_through(self, table: NDArray[np.integer]) -> bool:
        """Whether it is white and shows behind JPEG's steps; not if it is no stronger than the
        weakest that was tried.
        """
        step = float(np.asarray(table, np.float64).ravel()[FINE].mean())
        least = max(SEEN * step, SIGMAS[0])
        return self.white and self.error <= MOST_UNSURE and math.sqrt(self.variance) > least


@lru_cache(maxsize=1)
def behind_mosaic() -> Floats:
    """(64,): variance of each cosine of 8 x 8 blocks, of noise behind a mosaic whose fine cosines
    have a mean variance of 1.
    """
    own = Shape(mosaic=True).spectra((SIDE, SIDE), np.tile(LUMA, (3, 1)))[:, 0, 0]
    found = _cosines(np.tensordot(np.square(BALANCE), own, 1))
    return np.asarray(found / found[FINE].mean())


def _cosines(power: Floats) -> Floats:
    """(64,): variance of each cosine of 8 x 8 blocks of a field with this power spectrum."""
    alike = np.fft.ifft2(power).real
    apart = np.arange(8)[:, None] - np.arange(8)
    rows = np.einsum("uy,uz,yzc->uc", basis(), basis(), alike[apart])
    found = np.einsum("vx,vw,uxw->uv", basis(), basis(), rows[:, apart])
    return np.asarray(found.ravel())


def noise_before_jpeg(
    luma: Floats, table: NDArray[np.integer], phase: tuple[int, int] = (0, 0)
) -> LumaNoise:
    """The noise of luma before JPEG, by its flattest blocks together.

    Args:
        luma: (H, W), sides of two blocks at least.
        table: (8, 8) JPEG quantisation steps of luma.
        phase: rows and columns by which it starts inside JPEG's first block.
    """
    whole = luma[-phase[0] % 8 :, -phase[1] % 8 :]
    down, across = (length // BLOCK for length in whole.shape)
    cut = whole[: down * BLOCK, : across * BLOCK].reshape(down, BLOCK, across, BLOCK)
    rows = cut[:: max(1, math.ceil(down * across / MOST))].swapaxes(1, 2)
    blocks = rows.reshape(-1, BLOCK, BLOCK)
    # What is clipped has no noise, and would be the flattest.
    clipped = (blocks.min((1, 2)) < CLIPPED) | (blocks.max((1, 2)) > 255 - CLIPPED)
    found = cosines(blocks[~clipped | clipped.all()] - 128)
    texture = np.square(found[..., COARSE]).mean((1, 2))
    most = max(FEWEST_FLAT, int(len(found) * FLATTEST))
    flattest = np.argsort(texture, kind="stable")[:most]
    steps = np.asarray(table, np.float64).ravel()[FINE]
    multiples = np.minimum(np.abs(np.rint(found[flattest][..., FINE] / steps)), MULTIPLES - 1)
    counted = multiples.astype(np.intp)
    fits, of_mosaic = _fits(counted, steps), _fits(counted, steps / np.sqrt(behind_mosaic()[FINE]))
    likely = 2 * np.log(SIGMAS[fits >= fits.max() - WITHIN])
    fine, coarse = math.exp((likely[0] + likely[-1]) / 2), float(texture[flattest].mean())
    variance = max(fine - OF_TEXTURE * coarse, LEAST_OF_FINE * fine)
    unsure = (likely[-1] - likely[0]) / 2
    error = math.hypot(SURE, unsure, math.log1p(OF_TEXTURE * coarse / variance))
    return LumaNoise(variance, error, bool(fits.max() >= of_mosaic.max()))


def _fits(multiples: NDArray[np.intp], steps: Floats) -> Floats:
    """(sigmas,): log likelihood of noise of each strength behind these steps."""
    each = np.arange(len(steps))
    return np.array([one[multiples, each].sum() for one in logarithms(steps)])

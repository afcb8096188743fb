"""The noise of a photograph, block by block, before JPEG took some of it.

Noise is read off the fine cosines of a block (those of `FINE` half-waves and more), where it is
white and scenes have little. Of a JPEG only the steps are known that a coefficient was rounded to:
the noise of a block is the one that makes the multiples found there most likely. Chroma of a JPEG
hardly says anything of noise, so that luma speaks for all channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.chroma import LUMA
from pairmill.models.functional.noise_floor import ROUNDING

Floats = NDArray[np.float64]

BLOCK = 16
"""Side of a block, in pixels: four of JPEG's."""
MOST = 8192
"""Blocks of a photograph that are measured; of more, evenly spread rows of blocks."""
ORDER = np.add.outer(np.arange(8), np.arange(8)).ravel()
"""Half-waves of each of 64 cosines, both ways together."""
FINE = ORDER >= 5
"""Cosines that noise is measured on."""
FINEST = ORDER >= 10
"""Those of them that hardly any texture gets into, for lenses blur it away."""
COARSE = (ORDER >= 2) & (ORDER <= 3)
"""Cosines that tell of texture: not the first, which shading has."""
SIGMAS = np.geomspace(0.15, 40, 57)
"""Standard deviations that are tried, in intensity levels of luma."""
WHITE = float(np.square(LUMA).sum())
"""Variance of luma where each channel has noise of variance 1 of its own."""
EARLY = 1 / 16
"""How far below its half a step is rounded up: libjpeg's cosines are whole eighths, of which the
half itself goes up."""
MULTIPLES = 40
"""Multiples of a step that are told apart; larger ones are taken for this one."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of one photograph that are not clipped in any channel."""

    level: Floats
    """(n, 3): mean of R, G, B, in intensity levels, of JPEGs that of luma thrice."""
    noise: Floats
    """(n, 3): variance of the noise of R, G, B, in squared intensity levels, without that of
    rounding to 8 bits; NaN where JPEG left nothing of it."""
    finest: Floats
    """(n, 3): the same by the finest cosines alone; of JPEGs, which leave little there, `noise`."""
    texture: Floats
    """(n,): variance of a channel by the coarse cosines of luma: noise and texture together."""

    def __len__(self) -> int:
        return len(self.texture)


def blocks_of(
    image: NDArray[np.uint8],
    table: NDArray[np.integer] | None = None,
    phase: tuple[int, int] = (0, 0),
) -> Blocks:
    """Measure the blocks of an (H, W, 3) uint8 RGB image; a smaller one than a block has none.

    Args:
        image: The photograph.
        table: (8, 8) JPEG quantisation steps of luma, if it comes from a JPEG.
        phase: rows and columns by which it starts inside JPEG's first block.
    """
    parts = list(_rows_of_blocks(image[-phase[0] % 8 :, -phase[1] % 8 :], table))
    if not parts:
        nothing = np.zeros((0, 3))
        return Blocks(nothing, nothing, nothing, np.zeros(0))
    level, noise, finest, texture = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Blocks(level, noise, finest, texture)


def fine_noise(patch: NDArray[np.floating], *, by_luma: bool, rounded: bool = True) -> Floats:
    """(3,): variance of R, G and B of a patch of noise by its fine cosines, without that of
    rounding, in squared intensity levels.

    Args:
        patch: (p, p, 3), p at least 16.
        by_luma: Whether luma speaks for all channels, and has little of rounding.
        rounded: Whether its pixels were rounded to 8 bits.
    """
    count = len(patch) // BLOCK
    cut = patch[: count * BLOCK, : count * BLOCK].astype(np.float64)
    blocks = cut.reshape(count, BLOCK, count, BLOCK, 3).swapaxes(1, 2)
    if by_luma:
        return np.full(3, np.square(cosines(blocks @ LUMA)[..., FINE]).mean() / WHITE)
    found = np.square(cosines(np.moveaxis(blocks, -1, 0))[..., FINE]).mean((1, 2, 3, 4))
    return np.asarray(np.maximum(found - ROUNDING * rounded, 0))


def _rows_of_blocks(
    image: NDArray[np.uint8], table: NDArray[np.integer] | None
) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
    """The fields of `Blocks` of one row of blocks after the other."""
    down, across = (length // BLOCK for length in image.shape[:2])
    if not across:
        return
    table_of = None if table is None else logarithms(np.asarray(table, np.float64).ravel()[FINE])
    for row in range(0, down, max(1, math.ceil(down * across / MOST))):
        strip = image[row * BLOCK : (row + 1) * BLOCK, : across * BLOCK]
        blocks = strip.reshape(BLOCK, across, BLOCK, 3).swapaxes(0, 1)
        # No sensor sees the same 256 times: what is one colour was painted.
        used = ((blocks > 0) & (blocks < 255)).all((1, 2, 3))
        used &= (blocks != blocks[:, :1, :1]).any((1, 2, 3))
        cut = blocks[used].astype(np.float64)
        luma = cosines(cut @ LUMA)
        texture = np.square(luma[..., COARSE]).mean((1, 2)) / WHITE
        level = cut.mean((1, 2))
        if table is None or table_of is None:
            power = np.square(cosines(np.moveaxis(cut, 3, 1)))
            fine, finest = (
                np.maximum(power[..., those].mean((2, 3)) - ROUNDING, 0) for those in (FINE, FINEST)
            )
            yield level, fine, finest, texture
        else:
            steps = np.asarray(table, np.float64).ravel()[FINE]
            whole = _likeliest(np.rint(luma[..., FINE] / steps), table_of)
            variance = np.maximum(whole - ROUNDING, 0) / WHITE
            yield _thrice(level @ LUMA), _thrice(variance), _thrice(variance), texture


def _thrice(column: Floats) -> Floats:
    return np.repeat(column[:, None], 3, axis=1)


def cosines(blocks: Floats) -> Floats:
    """(..., 16, 16) to (..., 4, 64): orthonormal DCT-II of its four 8 x 8 parts."""
    parts = blocks.reshape(*blocks.shape[:-2], 2, 8, 2, 8).swapaxes(-3, -2)
    return np.asarray((basis() @ parts @ basis().T).reshape(*blocks.shape[:-2], 4, 64))


def basis() -> Floats:
    """(8, 8): orthonormal cosines of rising order, row by row."""
    place, order = np.arange(8), np.arange(8)[:, None]
    found = np.cos((2 * place + 1) * order * np.pi / 16) / 2
    found[0] = math.sqrt(1 / 8)
    return np.asarray(found)


def logarithms(steps: Floats) -> Floats:
    """(sigmas, multiples, cosines): log probability that noise of a standard deviation of `SIGMAS`
    is rounded to a multiple of a step, either sign.
    """
    from scipy.special import ndtr  # late: it takes a third of a second

    multiple = np.arange(MULTIPLES)[:, None]
    ends = [(multiple + half) * steps - EARLY for half in (-0.5, 0.5)]
    ends[0][0] = -ends[1][0]
    edges = [end / SIGMAS[:, None, None] for end in ends]
    return np.asarray(np.log(np.maximum(ndtr(-edges[0]) - ndtr(-edges[1]), 1e-9)))


def _likeliest(multiples: Floats, logarithms: Floats) -> Floats:
    """Variance of the noise of each block, (n,), from (n, 4, cosines) multiples of the steps; NaN
    where all are 0.
    """
    found = np.minimum(np.abs(multiples), MULTIPLES - 1).astype(np.intp)
    # Blocks side by side, and one array that is filled again and again: six times as fast as by two
    # indices, and added in an order that does not depend on how numpy lays out what it indexes.
    places = np.ascontiguousarray(
        np.moveaxis(found * found.shape[2] + np.arange(found.shape[2]), 0, 2)
    )
    taken = np.empty(places.shape)
    fits = np.stack(
        [np.take(one, places, out=taken, mode="clip").sum(0).sum(0) for one in logarithms]
    )
    best, block = np.clip(fits.argmax(0), 1, len(SIGMAS) - 2), np.arange(fits.shape[1])
    before, at, after = (fits[best + shift, block] for shift in (-1, 0, 1))
    # Between the standard deviations that were tried, a parabola.
    bend = np.minimum(before - 2 * at + after, -1e-9)
    place = np.log(SIGMAS[best]) + np.clip((before - after) / 2 / bend, -0.5, 0.5) * math.log(
        SIGMAS[1] / SIGMAS[0]
    )
    return np.where(found.any((1, 2)), np.exp(2 * place), np.nan)

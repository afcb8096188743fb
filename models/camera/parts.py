"""Spectra of parts of a photograph: of the cells of its field, and of its channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.photograph import (
    SIDE,
    PhotographSpectrum,
    block_power,
    distortion_of,
)
from pairmill.models.functional.chroma import CHROMA_OF, OF_CHROMA, grey
from pairmill.models.functional.noise_floor import noise_floor

CELLS = 3
"""Cells of the field along each side."""
SMALLEST = CELLS * 2 * SIDE
"""Smallest side of a photograph whose cells are looked at, in pixels."""
LARGEST_CELL = 1360
"""Side of the centred part of a cell that is looked at, in pixels."""
MOST_BLOCKS = 1024
"""Blocks of a cell that are looked at."""


def measure_cells(
    image: NDArray[np.uint8],
    whole: PhotographSpectrum,
    table: NDArray[np.integer] | None = None,
    phase: tuple[int, int] = (0, 0),
) -> tuple[PhotographSpectrum, ...]:
    """The spectra of a photograph's nine cells, row by row as its camera saw them: of an upright
    photograph (higher than wide) as if the camera had been turned to the left. None of them if it
    is too small.

    Args:
        image: (H, W, 3), as it was taken, not cropped.
        whole: what was measured on all of it; noise is taken from there, since a cell may have
            nothing flat.
        table: see `photograph.measure`.
        phase: the same.
    """
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST:
        return ()
    order = np.arange(CELLS * CELLS).reshape(CELLS, CELLS)
    if height > width:
        order = np.rot90(order)
    found = []
    for place in order.ravel():
        row, column = divmod(int(place), CELLS)
        top, left = _start(height, row), _start(width, column)
        rows, columns = (min(length // CELLS, LARGEST_CELL) for length in (height, width))
        luma = grey(image[top : top + rows, left : left + columns])
        power = block_power(luma, SIDE, MOST_BLOCKS)
        moved = (phase[0] + top, phase[1] + left)
        found.append(PhotographSpectrum(power, distortion_of(luma, table, moved), whole.noise))
    return tuple(found)


def _start(length: int, cell: int) -> int:
    """Where the part of a cell that is looked at begins."""
    return length * cell // CELLS + max(0, length // CELLS - LARGEST_CELL) // 2


def measure_channels(
    image: NDArray[np.uint8],
    tables: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
    phase: tuple[int, int] = (0, 0),
) -> tuple[PhotographSpectrum, ...]:
    """The spectra of R, G and B; none of them if all are alike.

    Args:
        image: (H, W, 3).
        tables: (8, 8) each, JPEG quantisation steps of luma and of chroma, if the photograph comes
            from a JPEG; its chroma must not be subsampled, for then all channels have the fine
            detail of luma.
        phase: see `photograph.measure`.
    """
    if (image == image[..., :1]).all():
        return ()
    coding = _channel_distortions(image, tables, phase)
    found = []
    for plane, distortion in zip(image.transpose(2, 0, 1), coding, strict=True):
        levels = plane.astype(np.float64)
        power = block_power(levels, SIDE)
        found.append(PhotographSpectrum(power, distortion, noise_floor(levels)))
    return tuple(found)


def _channel_distortions(
    image: NDArray[np.uint8],
    tables: tuple[NDArray[np.integer], NDArray[np.integer]] | None,
    phase: tuple[int, int],
) -> NDArray[np.float64]:
    """(3, SIDE, SIDE // 2 + 1): what JPEG changed of R, G and B, whose luma and chroma it coded."""
    if tables is None:
        return np.zeros((3, SIDE, SIDE // 2 + 1))
    # Quantisation takes chroma about 128.
    chroma = np.moveaxis(image @ CHROMA_OF.T + 128, 2, 0)
    luma = distortion_of(grey(image), tables[0], phase)
    coded = [distortion_of(plane, tables[1], phase) for plane in chroma]
    return np.asarray(luma + np.tensordot(np.square(OF_CHROMA), coded, 1))

"""Spectra of parts of a photograph: of the cells of its field, and of its channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE, block_power
from pairmill.models.camera.flat_blocks import WHITE
from pairmill.models.camera.floors import jpeg_floors, most_noise, quantised
from pairmill.models.camera.luma_noise import noise_before_jpeg
from pairmill.models.camera.photograph import PhotographSpectrum, distortion_of, floors_of
from pairmill.models.functional.chroma import CHROMA_OF, LUMA, OF_CHROMA, grey
from pairmill.models.functional.noise_floor import noise_floor

Array = NDArray[np.float64]

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
        power = block_power(luma, most=MOST_BLOCKS)
        moved = (phase[0] + top, phase[1] + left)
        distortion = distortion_of(luma, table, moved)
        floors = None
        if table is not None and whole.floors is not None:
            floors = floors_of(luma, power, table, moved)
        found.append(PhotographSpectrum(power, distortion, floors, whole.noise, whole.noise_error))
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
    planes = image.transpose(2, 0, 1).astype(np.float64)
    powers = np.stack([block_power(plane) for plane in planes])
    distortions = _channel_distortions(image, tables, phase)
    noises, error = [noise_floor(plane) for plane in planes], 0.0
    floors: Sequence[Array | None] = (None, None, None)
    if tables is not None:
        before = noise_before_jpeg(grey(image), tables[0], phase)
        if before.seen_through(tables[0]):
            found, error = _channel_floors(planes, powers, tables, phase), before.error
            noises = [
                min(before.variance / WHITE, most_noise(power, own))
                for power, own in zip(powers, found, strict=True)
            ]
            floors = list(found)
    return tuple(
        PhotographSpectrum(power, distortion, own, noise, error)
        for power, distortion, own, noise in zip(powers, distortions, floors, noises, strict=True)
    )


def _channel_floors(
    planes: Array,
    powers: Array,
    tables: tuple[NDArray[np.integer], NDArray[np.integer]],
    phase: tuple[int, int],
) -> Array:
    """(3, len(VARIANCES), n, n // 2 + 1) of R, G and B, see `PhotographSpectrum.floors`: their luma
    and chroma are coded.
    """
    luma, chroma = (np.asarray(table, np.float64) for table in tables)

    def coder(colours: Array) -> Array:
        image = np.moveaxis(colours, 0, 2)
        # Quantisation takes chroma about 128.
        fine, *rest = np.moveaxis(np.dstack([image @ LUMA, image @ CHROMA_OF.T + 128]), 2, 0)
        again = [quantised(fine, luma), *(quantised(plane, chroma) - 128 for plane in rest)]
        found = again[0][..., None] + np.stack(again[1:], -1) @ OF_CHROMA.T
        return np.moveaxis(np.clip(np.rint(found), 0, 255), 2, 0)

    return np.moveaxis(jpeg_floors(planes, powers, coder, phase), 1, 0)


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

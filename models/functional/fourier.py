"""Correlation of planes with a kernel by Fourier transforms, two planes at a time: real and
imaginary part of one complex field, which a real kernel does not mix.

Transforms run along rows, are turned, and run along rows again: OpenCV's own of two axes collect
columns, which takes longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LARGEST = 320
"""Largest side of a transform, in samples: larger ones leave the cache, and err more."""
AT_ONCE = 1 << 14
"""Samples of a field that are worked on at once: they stay in the cache."""
EVEN = 8
"""A factor of the sides of transforms: they are fastest with it, measured."""
SPARE = 4
"""Samples between the rows of a field: without them rows of a power of two samples push one another
out of the cache when turned."""


def side_for(least: int) -> int:
    """A side of at least so many samples that is transformed fast."""
    return EVEN * int(cv2.getOptimalDFTSize(-(-least // EVEN)))


def correlate(
    planes: Sequence[Array], kernel: Array, scale: int, outputs: tuple[int, int]
) -> list[Array]:
    """LR[i, j] = sum over u, v of k[u, v] HR[s i + u, s j + v] of each plane, to float64's
    accuracy.

    Image and kernel are taken apart into s * s of every s-th sample. The result is the sum of their
    correlations, which are transformed back at once.

    Args:
        planes: (rows, columns) float64 each, all alike.
        kernel: (k, k).
        scale: s.
        outputs: Rows and columns of the result; s (rows - 1) + k rows of the planes are seen.

    Returns:
        The results, (rows, columns) float64.
    """
    reach = -(-len(kernel) // scale)
    down, across = (_parts(count, LARGEST - reach) for count in outputs)
    if len(planes) * len(down) * len(across) % 2 and outputs[0] > 1:
        # An even number of parts, since they go in pairs.
        down = _parts(outputs[0], -(-outputs[0] // (len(down) + 1)))
    sides = [side_for(parts[0].stop - parts[0].start + reach - 1) for parts in (down, across)]
    spectra = _spectra(kernel.tobytes(), len(kernel), scale, *sides)
    found = [np.empty(outputs) for _ in planes]
    places = [
        (
            plane[_seen(rows, scale, len(kernel)), _seen(columns, scale, len(kernel))],
            out[rows, columns],
        )
        for plane, out in zip(planes, found, strict=True)
        for rows, columns in product(down, across)
    ]
    for number in range(0, len(places), 2):
        parts, out = zip(*places[number : number + 2], strict=True)
        for part, result in zip(_pair(parts, spectra, scale, sides, out[0].shape), out):
            result[...] = part
    return found


def _parts(length: int, most: int) -> list[slice]:
    """[0, length) as parts of one length, `most` or less; the last may overlap the one before."""
    count = -(-length // most)
    step = -(-length // count)
    starts = (min(number * step, length - step) for number in range(count))
    return [slice(start, start + step) for start in starts]


def _seen(outputs: slice, scale: int, size: int) -> slice:
    """The samples that outputs see."""
    return slice(scale * outputs.start, scale * (outputs.stop - 1) + size)


def _pair(
    parts: Sequence[Array],
    spectra: list[Array],
    scale: int,
    sides: list[int],
    outputs: tuple[int, ...],
) -> list[Array]:
    """Circular correlations of one or two parts, filled with zeros, with the kernel of these
    spectra; the first rows and columns. All but the turning is done in strips.
    """
    height, width = sides
    phases = [
        _turned([part[row::scale, column::scale] for part in parts], height, width)
        for row, column in np.ndindex(scale, scale)
    ]
    back = cv2.DFT_INVERSE | cv2.DFT_SCALE | cv2.DFT_ROWS
    for strip in _strips(width, height):
        total = None
        for phase, spectrum in zip(phases, spectra, strict=True):
            field = phase[strip]
            cv2.dft(field, field, flags=cv2.DFT_ROWS)
            # With the conjugate: a correlation. The plain product would turn the kernel around.
            cv2.mulSpectrums(field, spectrum[strip], cv2.DFT_ROWS, field, True)
            total = field if total is None else cv2.add(total, field, total)
        cv2.dft(total, total, flags=back)
    found = [np.empty(outputs), np.empty(outputs)]
    for strip in _strips(outputs[0], width):
        field = _field(strip.stop - strip.start, width)
        cv2.transpose(phases[0][:, strip], field)
        cv2.dft(field, field, flags=back)
        cv2.split(field[:, : outputs[1]], [plane[strip] for plane in found])
    return found


def _field(rows: int, columns: int) -> Array:
    """(rows, columns, 2), not filled."""
    return np.empty((rows, columns + SPARE, 2))[:, :columns]


def _strips(length: int, width: int) -> list[slice]:
    """[0, length) as strips of a field of `width` columns that stay in the cache."""
    step = max(1, AT_ONCE // width)
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _turned(parts: Sequence[Array], height: int, width: int) -> Array:
    """One or two planes, filled with zeros, transformed along their rows and turned: (width,
    height, 2).
    """
    rows, columns = parts[0].shape
    turned = _field(width, height)
    for strip in _strips(rows, width):
        field = _field(strip.stop - strip.start, width)
        for number, part in enumerate(parts):
            field[:, :columns, number] = part[strip]
        if len(parts) == 1:
            field[..., 1] = 0
        field[:, columns:] = 0
        cv2.dft(field, field, flags=cv2.DFT_ROWS)
        cv2.transpose(field, turned[:, strip])
    turned[:, rows:] = 0
    return turned


@lru_cache(maxsize=32)
def _spectra(data: bytes, size: int, scale: int, height: int, width: int) -> list[Array]:
    """Transforms of the s * s phases of a kernel that lie in the first corner of (height, width),
    turned.
    """
    kernel, spectra = np.frombuffer(data).reshape(size, size), []
    for row, column in np.ndindex(scale, scale):
        turned = _turned([kernel[row::scale, column::scale]], height, width)
        spectra.append(np.asarray(cv2.dft(turned, turned, flags=cv2.DFT_ROWS)))
    return spectra

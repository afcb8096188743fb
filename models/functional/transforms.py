"""Correlation by Fourier transforms, exactly: the result is rounded to the unit of the true one.

Transforms of float64 of at most 512 x 512 samples err by about 1e-12 intensity levels, a hundredth
of half a unit of 2**-32, so that rounding gives the true result on every machine.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Field = NDArray[np.floating[Any]]
Border = Literal["mirror", "reflect", "wrap"]
Part = tuple[int, int, int]
UNIT = 1 << 16
TRANSFORM = 512
"""Largest side of a Fourier transform, in samples."""
BORDERS = {"mirror": cv2.BORDER_REFLECT, "reflect": cv2.BORDER_REFLECT_101, "wrap": cv2.BORDER_WRAP}


def correlate_by_fft(
    image: NDArray[np.generic], kernel: Array, border: Border = "mirror", scale: int = 1
) -> Array:
    """See `blur`; plane by plane, by `plane_by_fft`."""
    planes = [plane_by_fft(plane, kernel, border, scale) for plane in cv2.split(image)]
    # OpenCV drops the axis of a single channel, hence the reshape.
    return np.asarray(cv2.merge(planes)).reshape(*planes[0].shape, -1)


def plane_by_fft(
    plane: NDArray[np.generic],
    kernel: Array,
    border: Border = "mirror",
    scale: int = 1,
    sample: Literal["f4", "f8"] = "f8",
) -> Array:
    """`blur` of one channel, (H, W), by Fourier transforms of overlapping parts, rounded to the
    unit of the exact result; samples of float32 do for zeros and ones under a kernel without
    negative weights: they err by less than a tenth of half a unit.

    Where only every s-th pixel is kept, plane and kernel are taken apart into s * s of every s-th
    sample: the result is the sum of their correlations, which are transformed back at once, in a
    s * s-th of the time that all pixels take.
    """
    size, shape = len(kernel), tuple(-(-side // scale) for side in plane.shape)
    reach, out = -(-size // scale), np.empty(shape, sample)
    rows, columns = (_parts(side, reach) for side in shape)
    if plane.dtype == np.uint8:
        unit = 1 / UNIT
    else:
        plane, unit = round_to(plane, 1 / UNIT), UNIT**-2.0
    padded = _continued(plane, size // 2, scale, (rows, columns), border).astype(sample, copy=False)
    for top, bottom, height in rows:
        for left, right, width in columns:
            spectra = _spectra(kernel.tobytes(), size, scale, height, width, sample)
            found = _product(padded[scale * top :, scale * left :], spectra, scale)
            # Output y sees samples y to y + reach of its part: what is kept does not wrap around.
            kept = found[: bottom - top, : right - left]
            round_to(kept, unit, out[top:bottom, left:right])
    return out


@lru_cache(maxsize=256)
def _parts(length: int, reach: int) -> tuple[Part, ...]:
    """The outputs [0, length) in equal parts, each with the side of its transform, whose error
    grows with it and must stay far below half a unit.
    """
    count = -(-length // (TRANSFORM - reach))
    ends = [length * number // count for number in range(count + 1)]
    return tuple((one, last, _side_for(last - one + reach - 1)) for one, last in pairwise(ends))


def _continued(
    plane: NDArray[np.generic],
    before: int,
    scale: int,
    axes: tuple[tuple[Part, ...], tuple[Part, ...]],
    border: Border,
) -> NDArray[Any]:
    """A plane continued beyond its borders, as far as the transforms of all parts go: what no kept
    output sees need not be zero.
    """
    after = (
        max(0, scale * max(first + side for first, _, side in parts) - before - length)
        for parts, length in zip(axes, plane.shape, strict=True)
    )
    sides = before, next(after), before, next(after)
    return np.asarray(cv2.copyMakeBorder(plane, *sides, BORDERS[border]))


def _side_for(least: int) -> int:
    """A side of at least so many samples that is transformed fast: with a factor of 4, measured."""
    return 4 * int(cv2.getOptimalDFTSize(-(-least // 4)))


@lru_cache(maxsize=32)
def _spectra(
    data: bytes, size: int, scale: int, height: int, width: int, sample: str
) -> list[Field]:
    """`spectrum` of the s * s parts of every s-th weight of a kernel."""
    kernel = np.frombuffer(data).reshape(size, size)
    return [spectrum(part, height, width, sample) for part in _parted(kernel, scale)]


def spectrum(kernel: Array, height: int, width: int, sample: str) -> Field:
    """The transform of a kernel in the first corner of (height, width), in OpenCV's packed form,
    divided by the samples: the inverse then needs no division, which takes a tenth of its time.
    """
    field = np.zeros((height, width), sample)
    field[: kernel.shape[0], : kernel.shape[1]] = kernel / (height * width)
    return np.asarray(cv2.dft(field, field, nonzeroRows=len(kernel)))


def _parted(plane: NDArray[Any], scale: int) -> list[NDArray[Any]]:
    """The s * s planes of every s-th sample; they share memory."""
    steps = range(scale)
    return [plane[row::scale, column::scale] for row in steps for column in steps]


def _product(plane: Field, spectra: list[Field], scale: int) -> Field:
    """Circular correlation of the first samples of a plane with the kernel of these spectra."""
    height, width = spectra[0].shape
    total = None
    for own, samples in zip(spectra, _parted(plane, scale), strict=True):
        field = cv2.dft(samples[:height, :width])
        # With the conjugate: a correlation. The plain product would turn the kernel by 180 degrees.
        cv2.mulSpectrums(field, own, 0, field, True)
        total = field if total is None else cv2.add(total, field, total)
    return np.asarray(cv2.dft(total, total, flags=cv2.DFT_INVERSE | cv2.DFT_REAL_OUTPUT))


def round_to(values: NDArray[Any], unit: float, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Floats of size below 2**51 units (float32: 2**22) rounded to multiples of `unit`, a power of
    two; half goes to even.
    """
    # Beyond it, floats of this many bits hold multiples of the unit only.
    pusher = 1.5 * 2.0 ** np.finfo(values.dtype).nmant * unit
    rounded = np.add(values, pusher, out=out)
    return np.asarray(np.subtract(rounded, pusher, out=rounded))

"""Kernels in files: whether they are some, and for which scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import COMPOSED, SIZES, compose, offset, without_tails
from pairmill.pipeline.evaluate.arrays import array_of
from pairmill.pipeline.evaluate.files import read_file
from pairmill.schemas.errors import UserError

Array = NDArray[np.float64]

OFF = 0.2
"""HR pixels by which the centre of mass of a kernel may be off; other scales want another by
0.5."""
OF_SUM = 0.01
"""What the sum of a kernel may differ from 1 by."""
WEIGHT = 7.9
"""Largest sum of absolute values of a kernel that the exact correlation takes."""


def read_array(place: str, where: str, todo: str) -> Array:
    """The numbers of an .npy at a path or URL.

    Raises:
        UserError: if there is no such file, or it holds something else.
    """
    return array_of(read_file(place, "file", todo), "array", where, todo)


def real(found: Any) -> Array:
    """An array of real numbers as float64.

    Raises:
        ValueError: if it is something else.
    """
    if not isinstance(found, np.ndarray):
        raise ValueError("several arrays, or none")
    if found.dtype.kind not in "iuf":
        raise ValueError(f"an array of {found.dtype}")
    return np.asarray(found, np.float64)


def for_scale(kernel: Array, scale: int, where: str) -> Array:
    """A kernel for a scale; one for x2 is composed to x4 or x8.

    Raises:
        UserError: if it is none.
    """
    check_form(kernel, where)
    if _centred(kernel, scale):
        return kernel
    centred = [known for known in SIZES if _centred(kernel, known)]
    if 2 in centred and scale in COMPOSED:
        return without_tails(compose(kernel, scale))
    row, column = offset(kernel, scale)
    got = f"its centre of mass is off by ({row:.2f}, {column:.2f}) pixels"
    if centred:
        got = f"a kernel that is centred for x{centred[0]}"
    raise UserError(
        f"the kernel is none for x{scale}",
        where=where,
        got=got,
        wanted=f"centre of mass at side // 2 + (scale - 1) / 2 = "
        f"{len(kernel) // 2 + (scale - 1) / 2:g} along both axes",
        todo="give the kernel of this scale, or --scale; convolution kernels are to be flipped",
    )


def _centred(kernel: Array, scale: int) -> bool:
    return max(map(abs, offset(kernel, scale))) < OFF


def check_form(kernel: Array, where: str) -> None:
    """Make sure that an array is a kernel, whatever its scale.

    Raises:
        UserError: if it is none.
    """
    sides = kernel.shape
    if len(sides) != 2 or sides[0] != sides[1] or sides[0] % 2 == 0:
        raise UserError(
            "a kernel is square, with an odd side",
            where=where,
            got=" x ".join(map(str, sides)) or "a single number",
            wanted="such as 17 x 17",
            todo="add a row and a column of zeros, so that the centre of mass is where the "
            "scale wants it",
        )
    total = float(kernel.sum()) if np.isfinite(kernel).all() else np.nan
    if not abs(total - 1) <= OF_SUM:
        raise UserError(
            "a kernel has the sum 1",
            where=where,
            got=f"{total:.6g}",
            wanted="1",
            todo="divide the kernel by its sum",
        )
    if np.abs(kernel).sum() > WEIGHT:
        raise UserError(
            "the kernel's lobes are too large",
            where=where,
            got=f"absolute values that sum to {np.abs(kernel).sum():.3g}",
            wanted=f"at most {WEIGHT:g}",
        )

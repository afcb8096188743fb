"""Arrays that somebody names by a file: nothing is believed that the file does not hold."""

from __future__ import annotations

import io
import math
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pairmill.schemas.errors import UserError

Array = NDArray[np.float64]
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""By version of the format; the third is for names of fields that are not Latin, and has no array
of plain numbers."""
BROKEN = (ValueError, KeyError, EOFError, SyntaxError, TokenError, RecursionError, MemoryError)
"""What numpy raises at headers that are none: it reads them as expressions of Python."""


def array_of(data: bytes, what: str, where: str, todo: str) -> Array:
    """The real numbers of an `.npy` file as float64.

    Shape and type are taken from its header first, so that a few bytes that promise terabytes cost
    nothing, and nothing in the file is executed.

    Args:
        data: the content of the file.
        what: what the numbers should be, such as `kernel`, for the message.
        where: where the file is named, for the message.
        todo: what to do, for the message.

    Raises:
        UserError: if it is no `.npy`, holds less than it says, or anything but real numbers:
            complex ones, truth values, text, fields, objects.
    """
    stream = io.BytesIO(data)
    try:
        shape, by_columns, dtype = HEADERS[npy.read_magic(stream)](stream)
    except BROKEN as error:
        got = str(error).partition("\n")[0] or type(error).__name__
        raise _refused(what, where, got, todo) from error
    if dtype.kind not in "iuf":
        raise _refused(what, where, f"values of type {dtype}", todo)
    count, held = math.prod(shape), len(data) - stream.tell()
    if min(shape, default=0) < 0 or count * dtype.itemsize > held:
        sides = " x ".join(map(str, shape))
        raise _refused(what, where, f"{held:,} bytes for {sides} values of type {dtype}", todo)
    values: NDArray[Any] = np.frombuffer(data, dtype, count, stream.tell())
    return np.asarray(values.reshape(shape, order="F" if by_columns else "C"), np.float64)


def _refused(what: str, where: str, got: str, todo: str) -> UserError:
    return UserError(
        f"the file holds no {what}",
        where=where,
        got=got,
        wanted="an .npy array of real numbers",
        todo=todo,
    )

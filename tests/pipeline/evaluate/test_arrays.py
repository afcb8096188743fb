"""Arrays of users: what is read, and what is refused before it costs anything."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.lib.format import write_array_header_1_0

from pairmill.pipeline.evaluate.arrays import array_of
from pairmill.schemas.errors import UserError

EYE = np.array([[0, 1, 2], [3, 4, 5]])


def saved(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def promised(shape: tuple[int, ...], descr: str = "<f8", held: int = 72) -> bytes:
    """A header, and so many bytes after it."""
    file = io.BytesIO()
    write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(held)


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2", "u1", "<i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_real_numbers_are_read_in_any_form(dtype: str, order: Any) -> None:
    found = array_of(saved(EYE.astype(dtype, order)), "kernel", "k.npy", "")
    assert found.dtype == np.float64
    assert np.array_equal(found, EYE)
    assert array_of(saved(np.float32(2)), "kernel", "k.npy", "").shape == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (promised((10**6, 10**6)), "72 bytes for 1000000 x 1000000 values of type float64"),
        (promised((3, 4)), "72 bytes for 3 x 4"),
        (promised((-3, 3)), "-3 x 3"),
        (promised((10**30,)), "72 bytes"),
        (saved(EYE * 1j), "complex128"),
        (saved(EYE > 2), "bool"),
        (saved(np.array(["a"])), "<U1"),
        (saved(np.zeros(3, [("a", "f8")])), "'a'"),
        (saved(np.array([None]), allow_pickle=True), "object"),
        (b"", "EOF"),
        (saved(EYE)[:40], "EOF"),
        (b"PK\x03\x04 an archive", "magic"),
        (b"\x93NUMPY\x01\x00\x90\x01" + 400 * b"(", "multi-line"),
        (b"\x93NUMPY\x09\x00", "(9, 0)"),
    ],
)
def test_what_holds_no_real_numbers_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UserError, match="the file holds no kernel") as caught:
        array_of(data, "kernel", "k.npy", "give another")
    assert words in caught.value.got
    assert (caught.value.where, caught.value.todo) == ("k.npy", "give another")

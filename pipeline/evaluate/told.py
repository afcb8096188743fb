"""Kernels and components that somebody names by files, for networks that are told kernels."""

from __future__ import annotations

import io
import zlib
from typing import Any

from pairmill.models.functional.kernels import on_grey
from pairmill.pipeline.evaluate.files import read_file
from pairmill.pipeline.evaluate.kernel_files import Array, check_form, read_array, real
from pairmill.pipeline.evaluate.networks import BICUBIC, Told
from pairmill.pipeline.workspace.storage import clear_errors
from pairmill.schemas.errors import StoreError, UserError

KERNEL, PCA = "--kernel", "--pca"
FORMS = (
    "an .npy of a kernel, (K, K) or (3, K, K), such as `pairmill camera --out` writes; or row N of "
    f"a pool: POOL.zarr:N; or {BICUBIC}"
)
DAMAGED = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    NotImplementedError,
    EOFError,
    OSError,
    MemoryError,
    OverflowError,
    zlib.error,
)
"""What readers raise at files that are something else or broken."""


def told_by(kernel: str, noise: float) -> Told | None:
    """What the options say; none if they say nothing.

    Args:
        kernel: a file, see `FORMS`; empty for the network's usual one.
        noise: standard deviation in intensity levels.

    Raises:
        UserError: if the file is no kernel.
    """
    if not kernel:
        return Told(noise=noise) if noise else None
    where = f"{KERNEL} {kernel}"
    if kernel == BICUBIC:
        return Told(BICUBIC, noise, "the kernel of bicubic downscaling", where)
    if ".zarr:" in kernel:
        found = _pooled(kernel, where)
    else:
        found = read_array(kernel, where, f"name {FORMS}")
    if found.ndim == 3 and len(found) == 1:
        found = found[0]
    if found.ndim == 3 and len(found) == 3:
        found = on_grey(found)
    check_form(found, where)
    return Told(found / found.sum(), noise, f"the kernel of {kernel.rpartition('/')[2]}", where)


def components(place: str) -> Array | None:
    """The components of a published SRMD's kernels; none without a file.

    Args:
        place: .npy, or KAIR's .mat with a matrix `P`.

    Raises:
        UserError: if the file is neither.
    """
    if not place:
        return None
    if place.endswith(".mat"):
        found = _mat(place)
    else:
        found = read_array(place, f"{PCA} {place}", "name an .npy or a .mat")
    if found.ndim != 2:
        raise UserError(
            "these are no components of kernels",
            where=f"{PCA} {place}",
            got=f"an array of {found.shape}",
            wanted="(15, 225)",
        )
    return found


def _mat(place: str) -> Array:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    data = read_file(place, "file", "KAIR has srmd_pca_matlab.mat")
    try:
        content: Any = io.BytesIO(data)
        return real(loadmat(content, variable_names=["P"])["P"])
    except (*DAMAGED, MatReadError) as error:
        raise UserError(
            "this is no .mat with a matrix P",
            where=f"{PCA} {place}",
            got=(str(error) or type(error).__name__).splitlines()[0],
            wanted="KAIR's srmd_pca_matlab.mat",
        ) from error


def _pooled(text: str, where: str) -> Array:
    import zarr

    place, _, row = text.rpartition(":")
    try:
        if not row.isdecimal():
            raise ValueError(f"row {row!r}")
        with clear_errors("read", place):
            pool: Any = zarr.open_group(place, mode="r")
            return real(pool["kernel"][int(row)])
    except (*DAMAGED, StoreError) as error:
        got = error.got if isinstance(error, StoreError) else str(error)
        raise UserError(
            "there is no such row of kernels",
            where=where,
            got=got.splitlines()[0] if got else type(error).__name__,
            wanted="a row, counted from 0",
            todo=f"name {FORMS}",
        ) from error

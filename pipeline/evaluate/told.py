"""Kernels and components that somebody names by files, for networks that are told kernels."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from pairmill.models.functional.kernels import on_grey
from pairmill.pipeline.evaluate.networks import Array, Told, read_file
from pairmill.schemas.errors import UserError

KERNEL, PCA = "--kernel", "--pca"
FORMS = (
    "an .npy of a kernel, (K, K) or (3, K, K), such as `pairmill camera --out` writes; or row N of "
    "a pool: POOL.zarr:N"
)
SUM = 0.02
"""How far a kernel's sum may be from 1."""


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
    found = np.asarray(_pooled(kernel) if ".zarr:" in kernel else _npy(kernel, KERNEL), np.float64)
    if found.ndim == 3 and len(found) == 1:
        found = found[0]
    square = found.ndim in {2, 3} and found.shape[-1] == found.shape[-2] and found.shape[-1] % 2
    if not square or (found.ndim == 3 and len(found) != 3):
        raise UserError(
            "this is no kernel",
            where=f"{KERNEL} {kernel}",
            got=f"an array of {found.shape}",
            wanted="(K, K) or (3, K, K), K odd",
            todo=f"name {FORMS}",
        )
    grey = on_grey(found)
    total = float(grey.sum())
    if not abs(total - 1) < SUM:
        raise UserError(
            "this is no kernel",
            where=f"{KERNEL} {kernel}",
            got=f"a sum of {total:.4g}",
            wanted="a sum of 1",
            todo="divide it by its sum",
        )
    return Told(grey / total, noise, f"the kernel of {kernel.rpartition('/')[2]}")


def components(place: str) -> Array | None:
    """The components of a published SRMD's kernels; none without a file.

    Args:
        place: .npy, or KAIR's .mat with a matrix `P`.

    Raises:
        UserError: if the file is neither.
    """
    if not place:
        return None
    found = _mat(place) if place.endswith(".mat") else _npy(place, PCA)
    if found.ndim != 2:
        raise UserError(
            "these are no components of kernels",
            where=f"{PCA} {place}",
            got=f"an array of {found.shape}",
            wanted="(15, 225)",
        )
    return np.asarray(found, np.float64)


def _npy(place: str, option: str) -> Array:
    data = read_file(place, "file", f"name {FORMS if option == KERNEL else 'an .npy or a .mat'}")
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UserError(
            "this is no .npy of numbers",
            where=f"{option} {place}",
            got=str(error).splitlines()[0],
            todo=f"name {FORMS if option == KERNEL else 'an .npy or a .mat'}",
        ) from error
    return np.asarray(found, np.float64)


def _mat(place: str) -> Array:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    data = read_file(place, "file", "KAIR has srmd_pca_matlab.mat")
    try:
        content: Any = io.BytesIO(data)
        return np.asarray(loadmat(content)["P"], np.float64)
    except (MatReadError, ValueError, KeyError, NotImplementedError, TypeError) as error:
        raise UserError(
            "this is no .mat with a matrix P",
            where=f"{PCA} {place}",
            got=str(error).splitlines()[0],
            wanted="KAIR's srmd_pca_matlab.mat",
        ) from error


def _pooled(text: str) -> Array:
    import zarr

    place, _, row = text.rpartition(":")
    try:
        pool = zarr.open_group(place, mode="r")
        return np.asarray(pool["kernel"][int(row)], np.float64)
    except (KeyError, IndexError, ValueError, OSError) as error:
        raise UserError(
            "there is no such row of kernels",
            where=f"{KERNEL} {text}",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            todo=f"name {FORMS}",
        ) from error

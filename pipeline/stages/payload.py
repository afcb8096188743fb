"""Payloads and array files that several stages share."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.image import ImageRecord
from pairmill.schemas.work import Payload


class ImagePayload(Payload):
    """One source image; where it lies does not matter."""

    image: ImageRecord
    """The image."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return self.image.url

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.image.role, self.image.pixel_sha256]


def npy_bytes(array: NDArray[Any]) -> bytes:
    """The array as an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def npz_bytes(**arrays: NDArray[Any]) -> bytes:
    """The arrays as one .npz file, not compressed; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_npy(storage: Storage, name: str) -> NDArray[Any]:
    """The array of an .npy file of the workspace."""
    array: NDArray[Any] = np.load(io.BytesIO(storage.read(name)), allow_pickle=False)
    return array

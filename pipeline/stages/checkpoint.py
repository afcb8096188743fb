"""The checkpoint that a fit left in its unit, checked before it becomes a pool of one."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import IntegrityError

CHECKPOINT = "checkpoint.safetensors"


def read_checkpoint(storage: Storage, stage: str, key: str, sha256: str) -> NDArray[np.uint8]:
    """The bytes of a checkpoint as a pool of one item, (1, bytes).

    Args:
        storage: The workspace.
        stage: Name of the fit's stage.
        key: Key of the fit's unit.
        sha256: Digest of the bytes as the fit left them.

    Raises:
        IntegrityError: if they are others now; the fit is forgotten, so that a rerun takes them
            from its state.
    """
    name = f"{layout.unit_folder(stage, key)}/{CHECKPOINT}"
    data = storage.read(name)
    if hashlib.sha256(data).hexdigest() != sha256:
        storage.remove(layout.unit_marker(stage, key))
        storage.remove(
            layout.sealed_folder(stage)
        )  # a stage of fits seals nothing but names of units
        raise IntegrityError(
            "a checkpoint has changed since it was made",
            where=storage.path(name),
            wanted=f"sha256 {sha256[:12]}",
            todo="run the same command again; it takes the checkpoint from the state of the fit",
        )
    return np.frombuffer(data, np.uint8)[None]

"""Files of an export: they appear under their names when they are whole."""

from __future__ import annotations

import os
from pathlib import Path

from pairmill.pipeline.workspace.storage import clear_errors


def put(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a whole file; `durable` waits for the disk, which is too slow for one small file per
    picture.

    The temporary name is fixed, so that an export that continues after a kill leaves none behind.

    Raises:
        StoreError: if the folder cannot be written or is full.
    """
    with clear_errors("write", str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)

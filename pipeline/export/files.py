"""Files of an export: they, or the folder of many, appear under their names when they are whole."""

from __future__ import annotations

import os
from pathlib import Path

from pairmill.pipeline.corpora.files import sha256_of
from pairmill.pipeline.workspace.storage import clear_errors

WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
"""How a new file is opened; O_BINARY is Windows'."""


def fill(path: str, data: bytes) -> None:
    """Write one of many small files of a folder that has no name yet; half a file is written again
    by whoever continues.

    Raises:
        OSError: if it cannot be written.
    """
    file = os.open(path, WRITE, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with clear_errors("read", str(path)), path.open("rb") as file:
        return sha256_of(file)


def settle(path: Path) -> None:
    """Wait until a file is on the disk."""
    with clear_errors("write", str(path)), path.open("rb") as file:
        os.fsync(file.fileno())


def put(path: Path, *pieces: bytes, durable: bool = False) -> None:
    """Write a whole file, in pieces, so that it appears under its name when it is whole; `durable`
    waits for the disk.

    The temporary name is fixed, so that an export that continues after a kill leaves none behind.

    Raises:
        StoreError: if the folder cannot be written or is full.
    """
    with clear_errors("write", str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("wb") as file:
            file.writelines(pieces)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)

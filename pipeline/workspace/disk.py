"""Files of a local disk, written whole: beside their place, synced, then renamed or linked."""

from __future__ import annotations

import io
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from typing_extensions import Buffer

MOST = 50
"""Characters of a file's name in the name of its temporary one: file systems end at 255 bytes."""

EAGER = 2 << 20
"""Bytes after which the system is told to begin writing."""


@contextmanager
def create_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears, or replaces the one of that name, when the block ends without an
    error.
    """
    temporary = _temporary(path)
    try:
        with _synced(temporary) as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def create_new_file(path: Path, data: bytes) -> None:
    """Write a file where there is none.

    Raises:
        FileExistsError: if the name is taken; of several processes that try at once, one gets no
            error.
    """
    temporary = _temporary(path)
    try:
        with _synced(temporary) as file:
            file.write(data)
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name: a hard link where the file system can, else a copy."""
    made = _temporary(target)
    try:
        try:
            os.link(source, made)
        except OSError:
            shutil.copyfile(source, made)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)  # also left by a rename onto a link to the same file


class _Eager(io.FileIO):
    """Tells the system to begin writing as soon as there is enough, so that the sync at the end
    waits for little.
    """

    begun = written = 0

    def write(self, data: Buffer, /) -> int:
        count = super().write(data)
        self.written += count
        if self.written - self.begun >= EAGER and hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # a hint, that some file systems do not take
                os.posix_fadvise(
                    self.fileno(), self.begun, self.written - self.begun, os.POSIX_FADV_DONTNEED
                )
            self.begun = self.written
        return count


@contextmanager
def _synced(path: Path) -> Iterator[IO[bytes]]:
    with io.BufferedWriter(_Eager(path, "wb")) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _temporary(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name[:MOST]}.{uuid.uuid4().hex}.tmp")

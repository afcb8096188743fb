"""Files of a workspace at any fsspec URL: atomic writes, clear errors."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from schemas.errors import StoreError


class Storage:
    """Named files below one URL.

    A name is a relative path with slashes. A file is visible under its name only when it is complete: locally it is
    written beside itself, synced and renamed; an object store publishes an object when its upload ends.
    """

    def __init__(self, url: str) -> None:
        self.fs, root = fsspec.core.url_to_fs(url)
        self.local = isinstance(self.fs, LocalFileSystem)
        self.root = root.rstrip("/")
        self.url = self.root if self.local else url.rstrip("/")

    def path(self, name: str) -> str:
        """Full path of a name in the file system of the store."""
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether a complete file of that name is there."""
        with clear_errors("look for", self.path(name)):
            return Path(self.path(name)).exists() if self.local else bool(self.fs.exists(self.path(name)))

    def size(self, name: str) -> int:
        """Size of a file, in bytes."""
        with clear_errors("look at", self.path(name)):
            return int(self.fs.size(self.path(name)))

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        with clear_errors("read", self.path(name)):
            return Path(self.path(name)).read_bytes() if self.local else bytes(self.fs.cat_file(self.path(name)))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file for streaming reads."""
        with clear_errors("read", self.path(name)), self.fs.open(self.path(name), "rb") as file:
            yield file

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file, atomically."""
        with self.create(name) as file:
            file.write(data)

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        """A new file for streaming writes; it appears under its name when the block ends without an error."""
        with clear_errors("write", self.path(name)):
            if self.local:
                with _create_local(Path(self.path(name))) as file:
                    yield file
            else:
                with self.fs.transaction, self.fs.open(self.path(name), "wb") as file:
                    yield file

    def link(self, source: str, target: str) -> None:
        """Give `source` a second name: a hard link where the file system can, else a copy."""
        with clear_errors("write", self.path(target)):
            if not self.local:
                self.fs.cp_file(self.path(source), self.path(target))
                return
            made = _temporary(Path(self.path(target)))
            try:
                try:
                    os.link(self.path(source), made)
                except OSError:
                    shutil.copyfile(self.path(source), made)
                made.replace(self.path(target))
            finally:
                made.unlink(missing_ok=True)           # also left by a rename onto a link to the same file

    def names(self, folder: str) -> list[str]:
        """Names of the files and folders directly in a folder, sorted; empty if there is none."""
        with clear_errors("list", self.path(folder)):
            if not self.fs.exists(self.path(folder)):
                return []
            found = self.fs.ls(self.path(folder), detail=False)
            return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in found)

    def files(self, folder: str) -> list[str]:
        """Names of all files below a folder, relative to it, sorted; unfinished ones are left out."""
        with clear_errors("list", self.path(folder)):
            found = self.fs.find(self.path(folder))
        names = [path[len(self.path(folder)) :].lstrip("/") for path in found]
        return sorted(name for name in names if not name.endswith(".tmp"))

    def link_tree(self, source: str, target: str) -> None:
        """Give every file below `source` a second name below `target`."""
        for name in self.files(source):
            self.link(f"{source}/{name}", f"{target}/{name}")

    def remove(self, name: str) -> None:
        """Delete one file or folder, if it is there."""
        with clear_errors("delete", self.path(name)):
            if self.fs.exists(self.path(name)):
                self.fs.rm(self.path(name), recursive=True)

    def zarr_store(self, name: str) -> Any:
        """A zarr store for the group of that name."""
        import zarr.storage

        if self.local:
            return zarr.storage.LocalStore(self.path(name))
        return zarr.storage.FsspecStore.from_url(f"{self.url}/{name}")


@contextmanager
def _create_local(path: Path) -> Iterator[IO[bytes]]:
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


@contextmanager
def clear_errors(verb: str, where: str) -> Iterator[None]:
    """Turn the file system's errors into StoreErrors that say what to do."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot {verb} a file of the workspace",
            where=where,
            got=error.strerror or str(error) or type(error).__name__,
            todo=_advice(error),
        ) from error


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space and run the same command again; it continues from the finished units"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make the folder writable or choose another one with --workspace"
    return "run the same command again; it continues from the finished units"

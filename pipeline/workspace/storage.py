"""Files of a workspace at any fsspec URL: atomic writes, repeated requests, clear errors."""

from __future__ import annotations

import io
import os
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from pairmill.pipeline.extras import install
from pairmill.pipeline.workspace.disk import create_file, create_new_file, link_file
from pairmill.pipeline.workspace.ranges import Ranges
from pairmill.pipeline.workspace.stores import clear_errors, is_of_store, patiently
from pairmill.schemas.errors import MissingLibraryError, UserError

__all__ = ["Entry", "Storage", "clear_errors"]

T = TypeVar("T")
R = TypeVar("R")

OBJECT_STORES = {"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oss", "s3", "s3a"}
"""Protocols whose uploads appear whole, when they end; elsewhere a file is written beside its place
and moved."""
UNCACHED = {"use_listings_cache": False}
"""A listing that is kept would hide what other workers write."""
ONE_REQUEST = 32 << 20
"""Bytes up to which a file is uploaded in one request, from memory."""
READ_AHEAD = 4 << 20
"""Bytes that a streaming read asks for at a time."""
AT_ONCE = 16
"""Requests to a store at a time, in `Storage.each`."""


@dataclass(frozen=True)
class Entry:
    """A file as the store lists it."""

    bytes: int
    """Size, in bytes."""
    modified: float
    """Time of the last change, in seconds since 1970; 0 if the store does not tell."""
    inode: tuple[int, int] | None
    """Device and number of the file behind the name; none where names are not links."""
    links: int
    """How many names the file has."""


class Storage:
    """Named files below one URL.

    A name is a relative path with slashes; `.` in it is the folder where it stands. A file is
    visible under its name only when it is complete: locally it is written beside itself, synced and
    renamed; an object store publishes an object when its upload ends. Whatever a store is asked may
    be asked again, so a request that fails for a while is repeated with growing pauses.
    """

    def __init__(self, url: str) -> None:
        self.fs, root = _file_system(url)
        self.local = isinstance(self.fs, LocalFileSystem)
        self.root = root.rstrip("/")
        self.url = self.root if self.local else url.rstrip("/")
        self.atomic = fsspec.utils.get_protocol(url) in OBJECT_STORES

    def path(self, name: str) -> str:
        """Full path or URL of a name."""
        return f"{self.url}/{_straight(name)}"

    def again(self, verb: str, name: str, attempt: Callable[[], T]) -> T:
        """Do something with a file that may be repeated, and is where a store fails for a while.

        Raises:
            StoreError: if it fails for good; an UnreachableError if the store does not answer.
        """
        with clear_errors(verb, self.path(name)):
            if self.local:
                return attempt()
            return patiently(self.url, verb, self.path(name), attempt)

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Results of a function for many items, in order; with a store, which answers late, some at
        a time.
        """
        if self.local:
            return [do(item) for item in items]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="storage") as pool:
            return list(pool.map(do, items))

    def exists(self, name: str) -> bool:
        """Whether a complete file of that name is there."""
        path = self._at(name)
        if self.local:
            return self.again("look for", name, lambda: Path(path).exists())
        return self.again("look for", name, lambda: bool(self.fs.exists(path)))

    def size(self, name: str) -> int:
        """Size of a file, in bytes."""
        return self.again("look at", name, lambda: int(self.fs.size(self._at(name))))

    def modified(self, name: str) -> float:
        """When a file was written, in seconds since 1970 by the store's clock; 0 if there is none
        or the store does not tell.
        """
        return self.again("look at", name, lambda: self._modified(self._at(name)))

    def _modified(self, path: str) -> float:
        try:
            if self.local:
                return Path(path).stat().st_mtime
            return _modified(self.fs.info(path))
        except FileNotFoundError:
            return 0.0

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        """All bytes of a file, or those from `start` up to `end`."""
        path = self._at(name)
        if self.local and start is None:
            return self.again("read", name, lambda: Path(path).read_bytes())
        return self.again("read", name, lambda: bytes(self.fs.cat_file(path, start=start, end=end)))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file for streaming reads."""
        with clear_errors("read", self.path(name)), self._reader(name) as file:
            yield file

    def _reader(self, name: str) -> Any:
        if self.local:
            return Path(self._at(name)).open("rb")
        return io.BufferedReader(Ranges(partial(self.read, name), self.size(name)), READ_AHEAD)

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file, atomically."""
        if not self.local:
            self._publish(name, lambda path: self.fs.pipe_file(path, data))
            return
        with self.create(name) as file:
            file.write(data)

    def create_new(self, name: str, data: bytes) -> bool:
        """Write a whole file unless there is one of that name; of several that try at once, one
        succeeds.

        Locally by a hard link, which fails where the name is taken; on object stores by a
        conditional upload. A store that has neither is asked first and written then, which two can
        do at the same moment. On a store the data should be unlike all others': an upload whose
        answer was lost is recognised by it.
        """
        make = self._new_here if self.local else self._new_there
        try:
            self.again("write", name, lambda: make(self._at(name), data))
        except _TakenError:
            return not self.local and self.exists(name) and self.read(name) == data
        return True

    @staticmethod
    def _new_here(path: str, data: bytes) -> None:
        try:
            create_new_file(Path(path), data)
        except FileExistsError:
            raise _TakenError from None

    def _new_there(self, path: str, data: bytes) -> None:
        try:
            self.fs.pipe_file(path, data, mode="create")
        except (NotImplementedError, TypeError, ValueError):
            if self.fs.exists(path):
                raise _TakenError from None
            self.fs.pipe_file(path, data)
        except OSError as error:
            if isinstance(error, FileExistsError) or "pre-condition" in str(error).lower():
                raise _TakenError from None
            raise

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        """A new file for streaming writes; it appears under its name when the block ends without an
        error.

        On a store it grows as a temporary file of this machine and is uploaded at the end: an
        upload can be repeated whole, and whoever is killed before leaves nothing there.
        """
        with clear_errors("write", self.path(name)):
            if self.local:
                with create_file(Path(self._at(name))) as file:
                    yield file
                return
            with tempfile.NamedTemporaryFile(prefix="pairmill-") as temporary:
                yield temporary
                temporary.flush()
                self._upload(temporary.name, name)

    def _upload(self, file: str, name: str) -> None:
        if Path(file).stat().st_size <= ONE_REQUEST:
            self.write(name, Path(file).read_bytes())
        else:
            self._publish(name, lambda path: self.fs.put_file(file, path))

    def _publish(self, name: str, send: Callable[[str], Any]) -> None:
        """Send a file to a store, so that it appears whole."""

        def attempt() -> None:
            if self.atomic:
                send(self._at(name))
                return
            target = self._at(name)
            folder = target.rpartition("/")[0]
            beside = f"{folder}/.{uuid.uuid4().hex}.tmp"
            self.fs.makedirs(folder, exist_ok=True)
            send(beside)
            self.fs.mv(beside, target)

        self.again("write", name, attempt)

    def link(self, source: str, target: str) -> None:
        """Give `source` a second name: a hard link where the file system can, else a copy, made
        inside the store.
        """
        if not self.local:
            self._publish(target, lambda path: self.fs.cp_file(self._at(source), path))
            return
        with clear_errors("write", self.path(target)):
            link_file(Path(self._at(source)), Path(self._at(target)))

    def names(self, folder: str) -> list[str]:
        """Names of the files and folders directly in a folder, sorted; empty if there is none."""
        path = self._at(folder).rstrip("/")
        found = self.again("list", folder, lambda: self._listed(path))
        return sorted(
            {item.rstrip("/").rpartition("/")[2] for item in found if not _same(item, path)}
        )

    def _listed(self, path: str) -> list[str]:
        try:
            return list(self.fs.ls(path, detail=False))
        except FileNotFoundError:
            return []

    def files(self, folder: str) -> list[str]:
        """Names of all files below a folder, relative to it, sorted; unfinished ones are left
        out.
        """
        path = self._at(folder).rstrip("/")
        found = self.again("list", folder, lambda: self.fs.find(path))
        names = [item[len(path) :].lstrip("/") for item in found]
        return sorted(name for name in names if not name.endswith(".tmp"))

    def entries(self, folder: str) -> Iterator[Entry]:
        """All files below a folder, unfinished ones too."""
        path = self._at(folder).rstrip("/")
        with clear_errors("list", self.path(folder)):
            if self.local:
                paths = (Path(place) / name for place, _, names in os.walk(path) for name in names)
                yield from (_local_entry(path.lstat()) for path in paths)
            else:
                found = self.again("list", folder, lambda: self.fs.find(path, detail=True).values())
                yield from (
                    Entry(int(info.get("size") or 0), _modified(info), None, 1) for info in found
                )

    def link_tree(self, source: str, target: str) -> None:
        """Give every file below `source` a second name below `target`."""
        self.each(
            lambda name: self.link(f"{source}/{name}", f"{target}/{name}"), self.files(source)
        )

    def remove(self, name: str) -> None:
        """Delete one file or folder, if it is there."""
        self.again("delete", name, lambda: self._removed(self._at(name)))

    def _removed(self, path: str) -> None:
        try:
            if self.fs.exists(path):
                self.fs.rm(path, recursive=True)
        except FileNotFoundError:  # somebody else was faster
            return

    @contextmanager
    def new_zarr(self, name: str) -> Iterator[Any]:
        """A zarr store to fill, in place of what was there; elsewhere than on a disk its files are
        sent when the block ends.
        """
        import zarr.storage

        self.remove(name)
        with clear_errors("write", self.path(name)):
            if self.local:
                yield zarr.storage.LocalStore(self._at(name))
                return
            files: dict[str, Any] = {}
            yield zarr.storage.MemoryStore(files)
            self.each(
                lambda file: self.write(f"{name}/{file}", files[file].to_bytes()), sorted(files)
            )

    def zarr_store(self, name: str) -> Any:
        """A zarr store to read the group of that name from; what is done with it belongs into
        `again`.
        """
        import zarr.storage

        if self.local:
            return zarr.storage.LocalStore(self._at(name))
        return zarr.storage.FsspecStore.from_url(self.path(name), storage_options=UNCACHED)

    def _at(self, name: str) -> str:
        return f"{self.root}/{_straight(name)}"


def _straight(name: str) -> str:
    """A name without `.`, which a store would take for a folder that is called so."""
    parts = name.split("/")
    if "." in parts:
        return "/".join(part for part in parts if part != ".")
    return name


class _TakenError(Exception):
    """There is a file of that name."""


def _file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path there.

    Raises:
        MissingLibraryError: if the package of that kind of URL is not installed.
        UserError: if the kind is unknown.
    """
    remote = fsspec.utils.get_protocol(url) not in ("file", "local")
    try:
        fs, root = fsspec.core.url_to_fs(url, **(UNCACHED if remote else {}))
    except Exception as error:
        if not isinstance(error, ImportError | ValueError) and not is_of_store(error):
            raise
        missing, todo = isinstance(error, ImportError), "give a folder or a URL"
        if missing:
            todo = install("s3") if url.startswith("s3") else f"{error}, with pip"
        raise (MissingLibraryError if missing else UserError)(
            "this store needs a package that is not installed" if missing else "invalid workspace",
            where=url,
            got=str(error),
            wanted="a folder, or a URL such as s3://bucket/folder",
            todo=todo,
        ) from error
    return fs, root


def _same(one: str, other: str) -> bool:
    """Whether two paths are the same; stores list the empty object that stands for a folder in that
    folder.
    """
    return one.strip("/") == other.strip("/")


def _local_entry(status: os.stat_result) -> Entry:
    return Entry(status.st_size, status.st_mtime, (status.st_dev, status.st_ino), status.st_nlink)


def _modified(info: dict[str, Any]) -> float:
    names = ("LastModified", "last_modified", "mtime", "updated", "created")
    stamp = next((info[name] for name in names if info.get(name)), 0.0)
    if hasattr(stamp, "timestamp"):
        return float(stamp.timestamp())
    if isinstance(stamp, int | float):
        return float(stamp)
    return 0.0

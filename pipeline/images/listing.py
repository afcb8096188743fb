"""Listings of folders and stores, with one look at each file."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import fsspec

from pairmill.pipeline.extras import store_of
from pairmill.pipeline.images.aside import aside
from pairmill.pipeline.workspace.stores import said_by
from pairmill.schemas.base import Frozen
from pairmill.schemas.errors import MissingLibraryError, UserError

_LEFT_OUT = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_STAMPS = (
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "ETag",
    "etag",
    "modified",
    "created",
)


class FoundFile(Frozen):
    """A file that a recipe names, before it is opened."""

    url: str
    """Absolute path or fsspec URL."""
    bytes: int
    """Size, in bytes; 0 if the store does not tell or a link leads nowhere."""
    modified: str
    """Time of change or version tag, as the store tells it; empty if it does not."""
    aside: str = ""
    """The folder by whose name it is no photo, see `pairmill.pipeline.images.aside`; mostly
    empty."""


@dataclass(frozen=True)
class Place:
    """A path in a file system; `fs` is None for the local one."""

    path: str
    """Path as the file system writes it."""
    fs: Any = None
    """An fsspec file system."""
    protocol: str = ""
    """What stands before `://`."""
    chain: str = ""
    """What stands from `::` on in a chained URL."""

    @property
    def url(self) -> str:
        """What opens this place: a local path or an fsspec URL."""
        if self.fs is None:
            return self.path.encode("utf-8", "backslashreplace").decode()
        if self.chain:
            return f"{self.protocol}://{self.path}{self.chain}"
        return str(self.fs.unstrip_protocol(self.path))

    def at(self, path: str) -> Place:
        """Another path in the same file system."""
        return replace(self, path=path)


def composed(name: str) -> str:
    """A name as it is compared: in NFC, for macOS and some archives write `é` as two characters."""
    return unicodedata.normalize("NFC", name)


def place_of(text: str, base: str, where: str) -> Place:
    """The place that a pattern means; a relative one starts at `base`.

    Raises:
        UserError: The kind of URL is unknown, its package is not installed, or the text is empty.
    """
    if not text.strip():
        todo = "write a file, a folder, a glob or a URL, or remove it"
        raise UserError("An empty path names no images", where=where, got=repr(text), todo=todo)
    if "://" not in text:
        path = _home(text)
        if "://" not in base or path.is_absolute():
            return Place(_absolute(_home(base) / path))
        text = f"{base.rstrip('/')}/{text}"
    protocol, _, rest = text.partition("://")
    if protocol in ("file", "local"):
        return Place(_absolute(Path(rest)))
    return _remote_place(text, protocol, "".join(rest.partition("::")[1:]), where)


def _home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody of that name: a file may well be called ~x
        return Path(text)


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - `resolve` would replace the links that the user named


def _remote_place(text: str, protocol: str, chain: str, where: str) -> Place:
    try:
        with store_of(text):
            fs, path = fsspec.core.url_to_fs(text)
    except MissingLibraryError:
        raise
    except Exception as error:
        # Unknown protocols, missing packages and credentials all have errors of their own.
        raise _cannot("A URL cannot be used", where, text, error) from error
    return Place(path, fs, protocol, chain)


def look_at(place: Place, where: str) -> FoundFile | Literal["folder"] | None:
    """The file at `place`, "folder", or None if there is nothing.

    Raises:
        UserError: It may not be looked at, or the store cannot be reached.
    """
    try:
        if place.fs is None:
            return _look_at_local(place)
        return _look_at_remote(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:
        raise _cannot("A path cannot be looked at", where, place.url, error) from error


def _look_at_local(place: Place) -> FoundFile | Literal["folder"]:
    status = Path(place.path).stat()
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    return _local_file(place, status)


def _look_at_remote(place: Place) -> FoundFile | Literal["folder"]:
    if not place.path.strip("/"):
        return "folder"  # the root of a store may have no entry of its own
    info = place.fs.info(place.path)
    if info.get("type") == "directory":
        return "folder"
    return _remote_file(place, info)


def children(place: Place) -> list[str]:
    """Names in a folder, for suggestions; empty if they cannot be had."""
    try:
        if place.fs is None:
            return sorted(path.name for path in Path(place.path).iterdir())
        return sorted(
            name.rstrip("/").rpartition("/")[2] for name in place.fs.ls(place.path, detail=False)
        )
    except Exception:  # noqa: BLE001 - a suggestion is worth no second error
        return []


def list_files(place: Place, where: str, depth: int | None = None) -> list[tuple[str, FoundFile]]:
    """All files below a folder that count, each with its path relative to `place`, sorted by that
    path.

    Args:
        place: The folder.
        where: Recipe key, for messages.
        depth: How many levels to list, 1 for the folder alone; None for all.

    Raises:
        UserError: A folder cannot be listed.
    """
    try:
        if place.fs is None:
            return sorted(map(_judged, _walk(place.path, depth)), key=lambda pair: pair[0])
        found = _without_markers(place.fs.find(place.path, maxdepth=depth, detail=True))
    except Exception as error:
        folder = str(getattr(error, "filename", None) or place.url)
        raise _cannot("A folder cannot be listed", where, folder, error) from error
    start = 0
    if place.path.strip("/"):
        start = len(place.path.rstrip("/")) + 1
    files = [
        (path[start:].lstrip("/"), _remote_file(place.at(path), info))
        for path, info in sorted(found.items())
    ]
    return [_judged(each) for each in files if all(map(_counts, each[0].split("/")))]


def _without_markers(found: dict[str, Any]) -> dict[str, Any]:
    """What a store lists, without the empty objects that its tools put where a folder would be:
    `a/`, `a_$folder$`, or `a` beside `a/b`.
    """
    folders = {path[:at] for path in found for at, char in enumerate(path) if char == "/"}
    return {
        path: info
        for path, info in found.items()
        if info.get("size") or not (path.endswith(("/", "_$folder$")) or path in folders)
    }


def _judged(named: tuple[str, FoundFile]) -> tuple[str, FoundFile]:
    name, file = named
    found = aside(name)
    return name, file.with_(aside=found) if found else file


def _counts(name: str) -> bool:
    return not name.startswith(".") and name not in _LEFT_OUT


def _walk(root: str, depth: int | None) -> Iterator[tuple[str, FoundFile]]:
    waiting, listed = [(root, "", 1)], set[tuple[int, int]]()
    while waiting:
        folder, prefix, level = waiting.pop()
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in listed:
            continue  # a link to a folder that is already listed, perhaps the one it lies in
        listed.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as scan:
            entries = sorted(
                (entry for entry in scan if _counts(entry.name)), key=lambda entry: entry.name
            )
        kinds = [(entry, _is_folder(entry)) for entry in entries]
        yield from (
            (prefix + entry.name, _entry_file(entry)) for entry, is_folder in kinds if not is_folder
        )
        if depth is None or level < depth:
            waiting += [
                (entry.path, f"{prefix}{entry.name}/", level + 1)
                for entry, is_folder in reversed(kinds)
                if is_folder
            ]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _entry_file(entry: os.DirEntry[str]) -> FoundFile:
    try:
        return _local_file(Place(entry.path), entry.stat())
    except OSError:
        # A link that leads nowhere comes through, so that it is listed among the rejected images.
        return FoundFile(url=Place(entry.path).url, bytes=0, modified="")


def _local_file(place: Place, status: os.stat_result) -> FoundFile:
    return FoundFile(url=place.url, bytes=status.st_size, modified=str(status.st_mtime_ns))


def _remote_file(place: Place, info: dict[str, Any]) -> FoundFile:
    stamp = next((info[name] for name in _STAMPS if info.get(name)), "")
    return FoundFile(url=place.url, bytes=int(info.get("size") or 0), modified=str(stamp))


def _cannot(what: str, where: str, url: str, error: Exception) -> UserError:
    todo = "check the spelling, the permissions and, for a store, the credentials"
    return UserError(what, where=f"{where}, {url}", got=said_by(error), todo=todo)

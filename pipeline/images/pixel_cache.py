"""Decoded images on a disk of this machine, so that a build decodes each of its images once.

Nothing rests on it. An image that is not there, not whole or not what it should be is decoded from
its file, and what cannot be written is not kept; pixels are the same either way, and no key knows
of it. Entries are found by pixel digest, so workspaces and processes share them.
"""

from __future__ import annotations

import os
import stat
import struct
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from shutil import disk_usage

import numpy as np
from numpy.typing import NDArray

FOLDER, LIMIT = "PAIRMILL_CACHE", "PAIRMILL_CACHE_BYTES"
"""Environment variables: where the cache is, and how large it may grow; 0 turns it off."""
MOST = 4 << 30
"""Bytes of the cache, unless `LIMIT` says otherwise."""
SHARE = 4
"""The cache takes at most one part in so many of what would be free on its disk without it."""
IDLE = 3600.0
"""Seconds without use after which an entry may give room. Stages go through all images in the same
order: of more than fit, the oldest are always those that the next stage asks for first."""
AHEAD = 64
"""A process takes one part in so many of the limit before it looks again at what others wrote."""
PATIENCE = 10.0
"""Seconds for which a full cache is not looked at again."""

SUFFIX = ".rgb8"
HEAD = struct.Struct("<16s32sQQQ")
"""A name of the format, digest of the pixels, height, width, and the sum of `checksum`."""
NAME = b"pairmill rgb8 1\n"
PAGE = 4096


def read(digest: str, height: int, width: int) -> NDArray[np.uint8] | None:
    """The image (height, width, 3) uint8 of a pixel digest, or none if it is not kept.

    Copied into memory of its own and then checked: a mapped file would kill the process where
    somebody truncates it, and is hardly faster.
    """
    place = _place()
    if place is None:
        return None
    path = place.path(digest)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD.size)
            image = np.empty((height, width, 3), np.uint8)
            whole = file.readinto(image.data.cast("B")) == image.nbytes and not file.read(1)
        if whole and head == _head(digest, image):
            with suppress(OSError):  # of a cache that can only be read
                os.utime(path)
            return image
        path.unlink()
    except OSError:
        return None
    return None


def keep(digest: str, image: NDArray[np.uint8]) -> None:
    """Keep an image (height, width, 3) uint8, C-contiguous, if there is room."""
    place = _place()
    if place is None:
        return
    # Full or broken disks, folders that are gone: whoever reads decodes.
    with suppress(OSError):
        path = place.path(digest)
        if not path.exists() and place.take(HEAD.size + image.nbytes):
            _write(path, _head(digest, image), image)


def checksum(image: NDArray[np.uint8]) -> int:
    """A sum modulo 2^64 of 8-byte words, in which no two pages weigh the same.

    It costs a tenth of a SHA-256, and finds what a crash of the machine leaves in a file that was
    never synced: pages of zeros, and pages of something else.
    """
    flat = image.reshape(-1)
    whole = len(flat) // PAGE * PAGE
    pages = flat[:whole].view(np.uint64).reshape(-1, PAGE // 8).sum(axis=1, dtype=np.uint64)
    weights = np.arange(3, 2 * len(pages) + 3, 2, dtype=np.uint64)
    rest = np.zeros(PAGE, np.uint8)
    rest[: len(flat) - whole] = flat[whole:]
    return (int((pages * weights).sum()) + int(rest.view(np.uint64).sum())) % 2**64


@dataclass(frozen=True)
class Holding:
    """What a cache holds."""

    folder: Path
    bytes: int
    limit: int
    """Bytes that it may hold now."""


def holding() -> Holding | None:
    """The cache of this machine; none where it is off, or its folder cannot be used."""
    place = _place()
    if place is None:
        return None
    held = sum(entry.bytes for entry in _entries(place.folder))
    return Holding(place.folder, held, place.room(held))


def trouble() -> str:
    """Why what the environment variables ask for is not used; empty where it is."""
    limit = os.environ.get(LIMIT, "")
    if limit and not limit.isdecimal():
        return f"{LIMIT} is {limit!r}; wanted a number of bytes such as {MOST}"
    if limit and not int(limit):
        return ""
    given = os.environ.get(FOLDER, "")
    folder = Path(given) if given else _own_folder()
    if _usable(folder):
        return ""
    return f"{folder} cannot be used: wanted a folder that you, and nobody else, may write into"


def _place() -> _Place | None:
    return _opened(os.environ.get(FOLDER, ""), os.environ.get(LIMIT, ""))


@lru_cache(maxsize=8)
def _opened(folder: str, limit: str) -> _Place | None:
    """The cache that environment variables ask for."""
    most = int(limit) if limit.isdecimal() else MOST
    path = Path(folder) if folder else _own_folder()
    return _Place(path, most) if most and _usable(path) else None


def _own_folder() -> Path:
    """A folder of this user, on a disk: `/tmp` is in memory on many systems, `/var/tmp` never."""
    base = Path("/var/tmp")  # noqa: S108 - see `_usable`
    if os.environ.get("TMPDIR") or not os.access(base, os.W_OK):
        base = Path(tempfile.gettempdir())
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return base / f"pairmill-images-{user}"


def _usable(folder: Path) -> bool:
    """Whether the folder is there, and nobody else may write into it: what it holds is believed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return stat.S_ISDIR(found.st_mode)
    mine = found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and mine


class _Place:
    """A cache, and how much this process may still write into it."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self.left, self.full_until = 0, -PATIENCE

    def path(self, digest: str) -> Path:
        return self.folder / f"{digest}{SUFFIX}"

    def room(self, held: int) -> int:
        """Bytes that the cache may hold, all in all."""
        return min(self.most, (disk_usage(self.folder).free + held) // SHARE)

    def take(self, size: int) -> bool:
        """Whether there is room for a file."""
        if self.left < size and time.monotonic() >= self.full_until:
            self._look(size)
        if self.left < size:
            return False
        self.left -= size
        return True

    def _look(self, size: int) -> None:
        """See what is there; make room of what nobody has used for long."""
        entries = sorted(_entries(self.folder), key=lambda entry: entry.used)
        held = sum(entry.bytes for entry in entries)
        most, share = self.room(held), max(size, self.most // AHEAD)
        for entry in entries:
            if held + share <= most or entry.used > time.time() - IDLE:
                break
            entry.path.unlink(missing_ok=True)
            held -= entry.bytes
        self.left = max(0, min(share, most - held))
        if self.left < size:
            self.full_until = time.monotonic() + PATIENCE


@dataclass(frozen=True)
class _Entry:
    path: Path
    bytes: int
    used: float
    """Time of the last use, in seconds since 1970."""


def _entries(folder: Path) -> Iterator[_Entry]:
    """All files of the cache, those too that were never finished."""
    with os.scandir(folder) as found:
        for file in found:
            if SUFFIX in file.name:
                with suppress(FileNotFoundError):  # others make room too
                    status = file.stat(follow_symlinks=False)
                    yield _Entry(Path(file.path), status.st_size, status.st_mtime)


def _head(digest: str, image: NDArray[np.uint8]) -> bytes:
    return HEAD.pack(NAME, bytes.fromhex(digest), *image.shape[:2], checksum(image))


def _write(path: Path, head: bytes, image: NDArray[np.uint8]) -> None:
    """A file that appears whole. It is not synced: what a crash leaves of it is found out."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(head)
            file.write(image.data.cast("B"))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

"""The bytes of one source file, local or in any store."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import fsspec

from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.workspace.stores import said_by
from pairmill.schemas.errors import StoreError
from pairmill.schemas.image import ImageReason

_NOT_THERE = {errno.ENOENT, errno.ENOTDIR}
_NOT_READABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
}
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))


def read_image(url: str) -> bytes:
    """All bytes of the file at `url`, an absolute path or an fsspec URL.

    Raises:
        ImageRejected: `missing`, `unreadable` or `empty-file`.
        StoreError: The store failed in a way that may pass, such as a lost connection.
    """
    is_local = url.startswith("/") or "://" not in url
    data = _read_local(url) if is_local else _read_remote(url)
    if not data:
        raise ImageRejected(ImageReason.EMPTY_FILE, "The file has 0 bytes; an image has more.")
    return data


def _read_local(path: str) -> bytes:
    try:
        # Opening a pipe waits for a writer, and opening a device may do anything: look first.
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            what = next((name for test, name in _KINDS if test(mode)), "a device")
            raise ImageRejected(ImageReason.UNREADABLE, f"The path is {what}; a file is allowed.")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise _explain(path, error) from error


def _read_remote(url: str) -> bytes:
    try:
        with fsspec.open(url, "rb") as file:
            data: bytes = file.read()
            return data
    except Exception as error:  # every store has exceptions of its own
        raise _explain(url, error) from error


def _explain(url: str, error: Exception) -> Exception:
    code = error.errno if isinstance(error, OSError) else None
    if code in _NOT_THERE or isinstance(error, FileNotFoundError | NotADirectoryError):
        detail = (
            "There is no such file: a broken link, a file removed since it was found, or a "
            "name that is not UTF-8."
        )
        return ImageRejected(ImageReason.MISSING, detail)
    if code in _NOT_READABLE or isinstance(error, PermissionError | IsADirectoryError | ValueError):
        return ImageRejected(
            ImageReason.UNREADABLE, f"The file cannot be read ({said_by(error)}); allow reading it."
        )
    todo = "run again; finished work is kept"
    return StoreError("An image could not be read", where=url, got=said_by(error), todo=todo)

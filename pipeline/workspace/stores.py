"""What stores do when they fail: which errors pass, how long to ask again, and what to tell
people.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pairmill.schemas.errors import PairmillError, StoreError, UnreachableError

T = TypeVar("T")

PATIENCE = "PAIRMILL_PATIENCE"
"""Environment variable: seconds for which a store that fails is asked again."""
FIRST_WAIT, LONGEST_WAIT = 0.25, 8.0
"""Seconds before the second try, doubled from try to try, and the most."""
LIBRARIES = {
    "aiobotocore",
    "aiohttp",
    "azure",
    "botocore",
    "gcsfs",
    "google",
    "requests",
    "s3fs",
    "urllib3",
}
"""Packages whose exceptions are a store's, even if they are no OSErrors."""
PASSING = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EPIPE,
    errno.ETIMEDOUT,
    getattr(errno, "EREMOTEIO", errno.EIO),
}
"""System errors of a network that get better by themselves; s3fs says EBUSY for `SlowDown`,
EREMOTEIO for answer 500."""
PASSING_NAMES = {
    "ClientConnectionError",
    "ClientPayloadError",
    "ConnectionError",
    "HTTPClientError",
    "ResponseParserError",
    "ServiceRequestError",
    "ServiceResponseError",
    "TransportError",
}
"""The same, as the libraries call them."""
_gave_up: set[str] = set()


def patiently(store: str, verb: str, where: str, attempt: Callable[[], T]) -> T:
    """Do something that may be repeated until it succeeds, fails for good, or patience ends.

    A store that was given up is asked once from then on, until it answers: whoever cleans up does
    not wait again.

    Raises:
        UnreachableError: if the store failed all the time, with what to do.
    """
    begun, wait = time.monotonic(), FIRST_WAIT
    end = begun + (0.0 if store in _gave_up else patience())
    while True:
        try:
            result = attempt()
        except Exception as error:
            if not passes(error):
                raise
            if time.monotonic() + wait >= end:
                _gave_up.add(store)
                raise _given_up(verb, where, error, time.monotonic() - begun) from error
        else:
            _gave_up.discard(store)
            return result
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def patience() -> float:
    """Seconds for which a failing store is asked again: `PAIRMILL_PATIENCE`, or a minute."""
    try:
        return float(os.environ.get(PATIENCE, "60"))
    except ValueError:
        return 60.0


def _given_up(verb: str, where: str, error: Exception, seconds: float) -> UnreachableError:
    return UnreachableError(
        f"cannot {verb} a file: the store does not answer",
        where=where,
        got=f"{said_by(error)}; gave up after {seconds:.0f} s",
        todo="check the network, AWS_ENDPOINT_URL and the store; then run the same command "
        "again, which continues from what "
        f"is finished ({PATIENCE} sets how many seconds to wait)",
    )


def passes(error: Exception) -> bool:
    """Whether an error may be gone at the next try."""
    if isinstance(error, ConnectionError | TimeoutError) or (
        isinstance(error, OSError) and error.errno in PASSING
    ):
        return True
    return any(kind.__name__ in PASSING_NAMES for kind in _kinds(error))


def is_of_store(error: Exception) -> bool:
    """Whether a file system raised it, rather than whoever used one."""
    return isinstance(error, OSError) or bool(_kinds(error))


def _kinds(error: Exception) -> list[type]:
    return [kind for kind in type(error).__mro__ if kind.__module__.partition(".")[0] in LIBRARIES]


@contextmanager
def clear_errors(verb: str, where: str) -> Iterator[None]:
    """Turn the file system's errors into StoreErrors that say what to do."""
    try:
        yield
    except Exception as error:
        if isinstance(error, PairmillError) or not is_of_store(error):
            raise
        raise StoreError(
            f"cannot {verb} a file",
            where=where,
            got=said_by(error),
            todo=_advice(error, "://" in where),
        ) from error


def said_by(error: Exception) -> str:
    """What an error says of itself; its name if it says nothing."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _advice(error: Exception, remote: bool) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        place = " for temporary files (TMPDIR)" if remote else ""
        return (
            f"free some space{place} and run the same command again; it goes on from what is "
            "finished"
        )
    if remote and (isinstance(error, PermissionError) or "Credentials" in type(error).__name__):
        return (
            "give credentials that may write there (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or AWS_PROFILE), or choose "
            "another place"
        )
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make the folder writable or choose another one (a workspace with --workspace)"
    if code in (errno.EEXIST, errno.ENOTDIR):
        return "a file lies where a folder must be: take it away, or choose another place"
    if remote and "bucket does not exist" in str(error):
        return "make the bucket, or correct its name"
    return "run the same command again; it goes on from what is finished"

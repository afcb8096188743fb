"""Libraries that only some work needs: imported late, and named with their extra where missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pairmill.schemas.errors import MissingLibraryError


@contextmanager
def extra(name: str, use: str, where: str = "") -> Iterator[None]:
    """Import in this block what an extra of pairmill brings.

    Args:
        name: Name of the extra, such as `codecs`.
        use: What needs it, for people, such as `JPEG XL`.
        where: What asked for that.

    Raises:
        MissingLibraryError: if a library is missing or does not load; it says what to install.
    """
    with _needed(use, where, f"the libraries of extra {name}", install(name)):
        yield


@contextmanager
def core(package: str, use: str) -> Iterator[None]:
    """Import in this block a package that is installed with pairmill, as a rule: an installation
    may be older than this code, or made without dependencies.

    Raises:
        MissingLibraryError: if it is missing or does not load; it says what to install.
    """
    with _needed(use, "", package, f"pip install {package}"):
        yield


@contextmanager
def store_of(url: str) -> Iterator[None]:
    """Reach a store by its URL in this block; S3 is an extra.

    Raises:
        MissingLibraryError: if it is a URL of S3 and extra `s3` is not installed.
    """
    if url.startswith(("s3://", "s3a://")):
        with extra("s3", "a store of S3", url):
            yield
    else:
        yield


def install(name: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'pairmill[{name}]'"


@contextmanager
def _needed(use: str, where: str, wanted: str, todo: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingLibraryError(
            f"{use} needs a library that is not installed",
            where=where,
            got=str(error),
            wanted=wanted,
            todo=todo,
        ) from error

"""The version of pairmill, as it was installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("pairmill")
except PackageNotFoundError:  # the folders of the repository, found by a path
    __version__ = "0+unknown"

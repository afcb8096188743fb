"""What photographs are called in a folder where all lie side by side."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from pairmill.pipeline.html.text import file_name, plain

MOST = 200
"""Bytes of a name: file systems end at 255, and an ending and a number follow."""


def unique_names(urls: Iterable[str]) -> dict[str, str]:
    """A name for each place: its file name without the ending; of equal ones the later, by place,
    get `-2`, `-3`, and so on. Names that differ in capitals only count as equal.
    """
    names, taken = dict[str, str](), set[str]()
    for url in sorted(urls):
        stem = _stem(url)
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names[url] = name
    return names


def _stem(url: str) -> str:
    stem = plain(posixpath.splitext(file_name(url))[0]).replace("/", "_").replace("\\", "_")
    return stem.encode()[:MOST].decode(errors="ignore") or "image"

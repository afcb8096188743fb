"""What the files that somebody names are called in the output folder."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pairmill.pipeline.curation.attribution import is_table
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.images.listing import FoundFile, look_at, place_of
from pairmill.schemas.errors import UserError

MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Job:
    """One image to upscale."""

    source: str
    """Path or URL of the input."""
    output: str
    """Name of the result, below the output folder; a PNG."""


def jobs_of(patterns: Sequence[str], base: str, out: str) -> list[Job]:
    """Every file that files, folders and globs name, once, with a name for its result.

    Results keep the folders below what was named. Files of one name and another ending get the
    ending as well. What lies in the output folder is left out, so that results are not upscaled
    again.

    Raises:
        UserError: if a pattern names nothing, or all that it names lies in the output folder.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        root = _root(pattern, base)
        for file in images_named(pattern, base, "IMAGES"):
            name = _name(file.url)
            if file.url.startswith(root):
                name = posixpath.relpath(file.url, root)
            found.setdefault(file.url, name)
    inside = place_of(out, base, "--out").url.rstrip("/") + "/"
    kept = {url: name for url, name in found.items() if not url.startswith(inside)}
    if not kept:
        raise UserError(
            "all these images are in the output folder",
            where=inside,
            todo="name another folder with --out",
        )
    return [Job(url, name) for url, name in _unique(kept).items()]


def images_named(pattern: str, base: str, option: str) -> list[FoundFile]:
    """The files of a pattern, less tables of attributions, which lie next to the images.

    Raises:
        UserError: if the pattern names nothing.
    """
    return [file for file in find_files((pattern,), base, option) if not is_table(file.url)]


def _root(pattern: str, base: str) -> str:
    """The folder that results keep the structure of."""
    place = place_of(pattern, base, "IMAGES")
    if look_at(place, "IMAGES") == "folder":
        return place.url.rstrip("/")
    parts = place.path.split("/")
    first = next(
        (number for number, part in enumerate(parts[:-1]) if MAGIC.search(part)), len(parts) - 1
    )
    return place.at("/".join(parts[:first]) or "/").url.rstrip("/")


def _name(url: str) -> str:
    return posixpath.basename(url)


def _unique(names: dict[str, str]) -> dict[str, str]:
    """PNG names that differ, capitals or not: `a.png` and `a.jpg` give `a-png.png` and
    `a-jpg.png`.
    """
    stems = {url: posixpath.splitext(name)[0] for url, name in names.items()}
    counts, taken, out = (
        Counter(stem.lower() for stem in stems.values()),
        Counter[str](),
        dict[str, str](),
    )
    for url, stem in stems.items():
        ending = posixpath.splitext(names[url])[1].lstrip(".")
        if counts[stem.lower()] > 1:
            name = f"{stem}-{ending}"
        else:
            name = stem
        taken[name.lower()] += 1
        if taken[name.lower()] > 1:
            out[url] = f"{name}-{taken[name.lower()]}.png"
        else:
            out[url] = f"{name}.png"
    return out

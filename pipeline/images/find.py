"""The source files that a recipe names: files, folders, globs and URLs."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Sequence

from pairmill.pipeline.images.listing import (
    FoundFile,
    Place,
    children,
    composed,
    list_files,
    look_at,
    place_of,
)
from pairmill.schemas.errors import UserError

__all__ = ["FoundFile", "find_files", "find_with_aside"]

_MAGIC = re.compile(r"[*?\[]")


def find_files(patterns: Sequence[str], base: str, recipe_key: str) -> list[FoundFile]:
    """All files that `patterns` name, sorted by URL, each once.

    A pattern is a file, a folder (with all folders inside), a glob (`*`, `?`, `[...]`, and `**` for
    any folders) or an fsspec URL of these; `~` is the home folder and relative patterns start at
    `base`. Globs match files, not folders. In folders and globs, names that begin with a dot,
    `__MACOSX`, `Thumbs.db` and `desktop.ini` are left out, and so are files in folders of
    thumbnails, previews and deleted files; a file named in full always counts. Links are followed,
    and each folder is listed once.

    Args:
        patterns: What to look for.
        base: Folder or URL that relative patterns start at.
        recipe_key: Where in the recipe the patterns stand, for messages, such as `images.real`.

    Raises:
        UserError: A pattern matches nothing, or a folder cannot be listed.
    """
    return [file for file in find_with_aside(patterns, base, recipe_key) if not file.aside]


def find_with_aside(patterns: Sequence[str], base: str, recipe_key: str) -> list[FoundFile]:
    """The same, with files in folders of thumbnails, previews and deleted files, which say so.

    Raises:
        UserError: As `find_files`, and if there are no others.
    """
    found: dict[str, FoundFile] = {}
    for index, text in enumerate(patterns):
        for file in _find(text, base, f"{recipe_key}[{index}]"):
            if file.url not in found or not file.aside:
                found[file.url] = file
    return [found[url] for url in sorted(found)]


def _find(text: str, base: str, where: str) -> list[FoundFile]:
    place = place_of(text, base, where)
    seen = look_at(place, where)
    if isinstance(seen, FoundFile):
        return [seen]
    if seen is not None:
        files = [file for _, file in list_files(place, where)]
        if all(file.aside for file in files):
            held = sorted({file.aside for file in files})[:3]
            got = "the folder holds no file that counts"
            return _nothing(text, place, where, "; ".join((got, *held)), "name another folder")
        return files
    if not _MAGIC.search(place.path):
        return _missing(text, place, where)
    return _find_glob(text, place, where)


def _find_glob(text: str, place: Place, where: str) -> list[FoundFile]:
    folder, parts = _split_glob(place)
    if look_at(folder, where) != "folder":
        return _missing(text, folder, where)
    depth = None if "**" in parts else len(parts)
    listed = list_files(folder, where, depth)
    matcher = _matcher(parts)
    files = [file for name, file in listed if matcher.fullmatch(composed(name))]
    return (
        files
        if not all(file.aside for file in files)
        else _no_match(
            text, folder, where, parts, [name for name, file in listed if not file.aside]
        )
    )


def _split_glob(place: Place) -> tuple[Place, list[str]]:
    """The folder before the first part with a wildcard, and the parts from there on."""
    parts = place.path.split("/")
    first = next(index for index, part in enumerate(parts) if _MAGIC.search(part))
    folder = "/".join(parts[:first])
    if not folder and place.path.startswith("/"):
        folder = "/"
    return place.at(folder), parts[first:]


def _matcher(parts: list[str], flags: int = 0) -> re.Pattern[str]:
    *folders, last = parts
    whole = ["(?:[^/]+/)*" if part == "**" else _part(part) + "/" for part in folders]
    whole.append(".*" if last == "**" else _part(last))
    return re.compile(composed("".join(whole)), flags | re.DOTALL)


def _part(part: str) -> str:
    sets = r"\[!?\]?[^\]]*\]"
    return "".join(_piece(piece) for piece in re.findall(rf"{sets}|.", part, re.DOTALL))


def _piece(piece: str) -> str:
    if piece in ("*", "?"):
        return "[^/]*" if piece == "*" else "[^/]"
    if len(piece) == 1:
        return re.escape(piece)
    if piece[1] == "!":
        negate, inside = "^/", piece[2:-1]
    else:
        negate, inside = "", piece[1:-1]
    return "[" + negate + re.sub(r"([\\^\[\]&~|])", r"\\\1", inside) + "]"


def _no_match(
    text: str, folder: Place, where: str, parts: list[str], names: list[str]
) -> list[FoundFile]:
    any_case = _matcher(parts, re.IGNORECASE)
    ignoring_case = [name for name in names if any_case.fullmatch(composed(name))]
    if ignoring_case:
        todo = (
            f"capitals count: {len(ignoring_case)} files differ in capitals only, such as "
            f"{ignoring_case[0]}"
        )
    elif parts[-1] != "**" and not names:
        todo = (
            "the folder holds no file at this depth; end the pattern with /** for files in "
            "all folders inside"
        )
    else:
        todo = "name another folder"
        if names:
            todo = f"files there are, for example: {', '.join(names[:3])}"
    return _nothing(text, folder, where, f"none of the {len(names)} files there matches", todo)


def _missing(text: str, place: Place, where: str) -> list[FoundFile]:
    if place.protocol in ("http", "https"):  # which have no folders to look for names in
        return _nothing(
            text,
            place,
            where,
            "the server has no such file, or does not answer",
            "check the address",
        )
    parent, name = place, ""
    while parent.path.strip("/") and look_at(parent, where) != "folder":
        parent, name = (
            place.at(posixpath.dirname(parent.path.rstrip("/"))),
            posixpath.basename(parent.path.rstrip("/")),
        )
    near = difflib.get_close_matches(name, children(parent), n=2, cutoff=0.5)
    todo = "correct the path; relative ones start at the recipe's folder"
    if near:
        todo = f"did you mean {' or '.join(near)}?"
    return _nothing(text, parent, where, f"nothing is called {name!r} there", todo)


def _nothing(text: str, place: Place, where: str, got: str, todo: str) -> list[FoundFile]:
    raise UserError(
        f"No images found for {text!r}",
        where=f"{where}, looked in {place.url}",
        got=got,
        wanted="a file, a folder, a glob such as photos/**/*.jpg, or a URL",
        todo=todo,
    )

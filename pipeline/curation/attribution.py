"""Licences and authors of images, read from tables that lie next to them or that the recipe
names.
"""

from __future__ import annotations

import csv
import difflib
import fnmatch
import io
import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pairmill.pipeline.images.find import FoundFile, find_files
from pairmill.pipeline.images.listing import composed, look_at, place_of
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import Credit

NAMES = tuple(f"attribution.{ending}" for ending in ("csv", "yaml", "yml", "json"))
"""What a table next to the images is called."""
COLUMNS = ("file", *Credit.model_fields)
OTHER_WORDS = {"license": "licence", "url": "source", "glob": "file", "creator": "author"}
MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    pattern: str
    credit: Credit
    where: str
    """Table and line, for messages."""


def is_table(url: str) -> bool:
    """Whether a file is a table of attributions by its name, and no image."""
    return url.rsplit("/", 1)[-1] in NAMES


def read_credits(urls: Sequence[str], named: Sequence[str], base: str) -> dict[str, Credit]:
    """Who the files are by, as far as tables say so.

    A row names a file, or several by a glob, relative to the table's folder; a name that nothing
    there has is looked for at the end of the path of every file. Rows of files go before globs,
    tables of the recipe before those next to the images.

    Args:
        urls: All source files that were found, images or not.
        named: Patterns of tables that the recipe names.
        base: Folder that relative patterns start at.

    Raises:
        UserError: if a table cannot be read, has a wrong column, names a file twice or one that is
            not there.
    """
    if named:
        tables = [file.url for file in find_files(named, base, "images.attribution")]
    else:
        tables = []
    beside = [url for url in _beside(urls) if url not in tables]
    known: dict[str, Credit] = {}
    for table in (*tables, *beside):
        folder = posixpath.dirname(table)
        if table in tables:
            reach = urls
        else:
            reach = [url for url in urls if url.startswith(f"{folder}/")]
        for url, credit in _matched(_rows(table), reach, folder).items():
            known.setdefault(url, credit)
    return known


def _beside(urls: Iterable[str]) -> list[str]:
    """Tables in the folders of the images."""
    folders = sorted({posixpath.dirname(url) for url in urls})
    places = [place_of(f"{folder}/{name}", "/", "images") for folder in folders for name in NAMES]
    return [seen.url for place in places if isinstance(seen := look_at(place, "images"), FoundFile)]


def _rows(table: str) -> list[Row]:
    rows = [_row(number, value, table) for number, value in enumerate(_values(table), 1)]
    seen: dict[str, Row] = {}
    for row in rows:
        if row.pattern in seen:
            raise UserError(
                "a table of attributions names a file twice",
                where=row.where,
                got=f"{row.pattern}, as {seen[row.pattern].where}",
                wanted="one row per file or glob",
                todo="take one of the two rows out",
            )
        seen[row.pattern] = row
    return rows


def _values(table: str) -> list[Any]:
    """The rows of a table as mappings: CSV with a head, or a list in YAML or JSON, or a mapping
    from files to the rest.
    """
    try:
        text = read_image(table).decode("utf-8-sig")
        if table.endswith(".csv"):
            return _of_csv(text)
        if table.endswith(".json"):
            value = json.loads(text)
        else:
            value = yaml.safe_load(text)
    except (ImageRejected, ValueError, RecursionError, yaml.YAMLError, csv.Error) as error:
        got = getattr(error, "detail", "") or str(error).splitlines()[0]
        wanted = "a table in UTF-8: CSV, YAML or JSON"
        raise UserError(
            "a table of attributions cannot be read", where=table, got=got, wanted=wanted
        ) from error
    if isinstance(value, Mapping):
        value = [
            {"file": file, **(rest if isinstance(rest, Mapping) else {"licence": rest})}
            for file, rest in value.items()
        ]
    if not isinstance(value, list):
        raise UserError(
            "a table of attributions is not a list of rows",
            where=table,
            got=f"{value!r}"[:60],
            wanted=f"rows with {', '.join(COLUMNS)}",
        )
    return value


def _of_csv(text: str) -> list[dict[str, str]]:
    first = text.splitlines()[0] if text.strip() else ""
    dialect = max(",;\t", key=first.count)
    table = io.StringIO(text, newline="")
    rows = list(
        csv.DictReader(table, delimiter=dialect, strict=True, restkey="more cells than columns")
    )
    return [{key: value or "" for key, value in row.items()} for row in rows if any(row.values())]


def _row(number: int, value: Any, table: str) -> Row:
    where = f"{table}, row {number}"
    if not isinstance(value, Mapping):
        raise UserError(
            "a row of attributions is not a mapping",
            where=where,
            got=f"{value!r}"[:60],
            wanted=f"some of {', '.join(COLUMNS)}",
        )
    cells = {
        _column(key, where): str(cell if cell is not None else "").strip()
        for key, cell in value.items()
    }
    pattern = composed(cells.pop("file", "").removeprefix("./"))
    if not pattern:
        raise UserError(
            "a row of attributions names no file",
            where=where,
            got=", ".join(f"{k}: {v}" for k, v in cells.items()),
            wanted="a file or a glob in column file",
        )
    return Row(pattern, Credit.model_validate(cells), where)


def _column(name: Any, where: str) -> str:
    word = str(name).strip().lower().replace(" ", "_")
    word = OTHER_WORDS.get(word, word.removesuffix("_url") if word == "source_url" else word)
    if word in COLUMNS:
        return word
    near = difflib.get_close_matches(word, COLUMNS, n=1)
    raise UserError(
        "a table of attributions has an unknown column",
        where=where,
        got=str(name),
        wanted=", ".join(COLUMNS),
        todo=f"did you mean {near[0]}?" if near else "rename or remove the column",
    )


def _matched(rows: Sequence[Row], urls: Sequence[str], folder: str) -> dict[str, Credit]:
    """Which file each row means; rows of files go before globs.

    Raises:
        UserError: if a row means no file, a name means several, or two globs mean one file.
    """
    found: dict[str, Row] = {}
    by_name: dict[str, list[str]] = {}
    for url in urls:
        by_name.setdefault(composed(url.rsplit("/", 1)[-1]), []).append(url)
    there = {composed(url): url for url in urls}
    for row in sorted(rows, key=lambda row: bool(MAGIC & set(row.pattern))):
        if "://" not in row.pattern and not row.pattern.startswith("/"):
            exact = composed(f"{folder}/{row.pattern}")
        else:
            exact = row.pattern
        if exact in there:
            found[there[exact]] = row
        elif MAGIC & set(row.pattern):
            _glob(row, urls, found)
        else:
            found[_named(row, by_name)] = row
    return {url: row.credit for url, row in found.items()}


def _named(row: Row, by_name: Mapping[str, Sequence[str]]) -> str:
    """The one file whose path ends so."""
    name = row.pattern.rsplit("/", 1)[-1]
    ending = [
        url for url in by_name.get(name, ()) if composed(f"/{url}").endswith(f"/{row.pattern}")
    ]
    if len(ending) == 1:
        return ending[0]
    if ending:
        got = f"{row.pattern}: {', '.join(ending[:3])}"
        raise UserError(
            "a row of attributions matches several files",
            where=row.where,
            got=got,
            todo="give a longer path, or a glob if all are meant",
        )
    near = difflib.get_close_matches(name, by_name, n=1)
    raise UserError(
        "a table of attributions names a file that is not a source image",
        where=row.where,
        got=row.pattern,
        wanted="a file or glob that the recipe's images have",
        todo=f"did you mean {near[0]}?" if near else "take the row out",
    )


def _glob(row: Row, urls: Sequence[str], found: dict[str, Row]) -> None:
    depth = row.pattern.count("/") + 1
    meant = [
        url
        for url in urls
        if fnmatch.fnmatchcase(composed("/".join(url.split("/")[-depth:])), row.pattern)
    ]
    if not meant:
        raise UserError(
            "a glob of attributions matches no source image",
            where=row.where,
            got=row.pattern,
            todo="correct the glob, or take the row out",
        )
    for url in meant:
        other = found.setdefault(url, row)
        if other is not row and MAGIC & set(other.pattern):
            got = f"{url}: {other.pattern} and {row.pattern}"
            raise UserError(
                "two globs of attributions match the same file",
                where=row.where,
                got=got,
                todo="make the globs disjoint, or give the file a row of its own",
            )

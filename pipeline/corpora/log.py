"""The log of a corpus, and finding versions by what people type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import holding
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, LogEntry, Tag
from pairmill.schemas.errors import IntegrityError, UserError

TAG = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
LOG_WAIT = 30.0
"""Seconds to wait for another process that writes the log."""


def read_log(storage: Storage, name: str) -> list[LogEntry]:
    """Versions of a corpus, oldest first; empty if there is none.

    Raises:
        IntegrityError: if the log cannot be read.
    """
    path = layout.corpus_log(name)
    if not storage.exists(path):
        return []
    try:
        return [
            LogEntry.model_validate_json(line) for line in storage.read(path).splitlines() if line
        ]
    except ValueError as error:
        raise IntegrityError(
            "the log of a corpus is damaged",
            where=storage.path(path),
            got=str(error).splitlines()[0],
            todo="restore it from a copy, or delete it and build the recipe again, which finds the "
            "finished version and writes a new log",
        ) from error


def append_log(storage: Storage, manifest: CorpusManifest, time: str) -> None:
    """Add a version at the end, unless it is the last one already."""
    name = manifest.identity.name
    with rewriting(storage, name) as entries:
        parent = entries[-1].version if entries else ""
        if parent != manifest.version:
            samples = sum(manifest.identity.samples.values())
            entries.append(
                LogEntry(version=manifest.version, parent=parent, time=time, samples=samples)
            )


@contextmanager
def rewriting(storage: Storage, name: str) -> Iterator[list[LogEntry]]:
    """The lines of a log, to be changed in place; written whole and atomically at the end, by one
    process at a time.
    """
    with holding(storage, f"log-{name}", f"entry in the log of {name}", wait=LOG_WAIT):
        entries = read_log(storage, name)
        before = list(entries)
        yield entries
        if entries != before:
            text = "".join(f"{line.canonical_json()}\n" for line in entries)
            storage.write(layout.corpus_log(name), text.encode())


def corpus_names(storage: Storage) -> list[str]:
    """Names of all corpora in the workspace."""
    return [name for name in storage.names(layout.corpus_folder()) if not name.startswith(".")]


def find_version(storage: Storage, reference: str) -> CorpusManifest:
    """The manifest of `NAME` (its newest version), of `NAME@TAG`, or of `NAME@VERSION`, where a few
    first digits are enough.

    Raises:
        UserError: if there is no such corpus or version, or if the digits fit several.
        IntegrityError: if the manifest is missing or damaged.
    """
    name, _, wanted = reference.partition("@")
    entries = read_log(storage, name)
    if not entries:
        raise unknown_corpus(storage, name)
    if not wanted:
        return read_manifest(storage, name, entries[-1].version)
    tag = read_tag(storage, name, wanted)
    if tag:
        versions = [tag.version]
    else:
        versions = sorted({entry.version for entry in entries if entry.version.startswith(wanted)})
    if len(versions) != 1:
        known = ", ".join(
            [
                *(entry.version for entry in entries[-5:]),
                *(tag.name for tag in read_tags(storage, name)),
            ]
        )
        raise UserError(
            f"{len(versions) or 'no'} versions of {name} fit {wanted!r}",
            where=storage.path(layout.corpus_folder(name)),
            wanted=f"one of {known}",
            todo=f"`pairmill corpus list {name}` shows all of them",
        )
    gone = latest(entries).get(versions[0])
    if gone is not None and gone.collected:
        raise UserError(
            f"{name}@{gone.version} was deleted by `pairmill corpus gc`",
            where=storage.path(layout.corpus_log(name)),
            got=f"deleted {gone.collected}",
            todo="a build of the same recipe and images makes it again",
        )
    return read_manifest(storage, name, versions[0])


def latest(entries: Sequence[LogEntry]) -> dict[str, LogEntry]:
    """The last line of each version, oldest first."""
    found: dict[str, LogEntry] = {}
    for entry in entries:
        found.pop(entry.version, None)
        found[entry.version] = entry
    return found


def read_tags(storage: Storage, name: str) -> list[Tag]:
    """Tags of a corpus, by name."""
    names = [
        file.removesuffix(".json")
        for file in storage.names(layout.tag_folder(name))
        if not file.startswith(".")
    ]
    return [tag for tag in (read_tag(storage, name, each) for each in names) if tag is not None]


def read_tag(storage: Storage, name: str, tag: str) -> Tag | None:
    """One tag; none if there is no such one.

    Raises:
        IntegrityError: if its file cannot be read.
    """
    path = layout.tag_file(name, tag)
    if not TAG.fullmatch(tag) or not storage.exists(path):
        return None
    try:
        return Tag.model_validate_json(storage.read(path))
    except ValueError as error:
        raise IntegrityError(
            "a tag is damaged",
            where=storage.path(path),
            got=str(error).splitlines()[0],
            todo="delete the file and tag the version again",
        ) from error


def read_manifest(storage: Storage, name: str, version: str) -> CorpusManifest:
    """The manifest of a version.

    Raises:
        IntegrityError: if it is missing or cannot be read.
    """
    path = layout.corpus_manifest(name, version)
    if not storage.exists(path):
        raise IntegrityError(
            "the log names a version that is not there",
            where=storage.path(path),
            todo="restore it from a copy, or build it again",
        )
    try:
        return CorpusManifest.model_validate_json(storage.read(path))
    except ValueError as error:
        raise IntegrityError(
            "a manifest is damaged",
            where=storage.path(path),
            got=str(error).splitlines()[0],
            todo="restore it from a copy, or delete the version and build it again",
        ) from error


def unknown_corpus(storage: Storage, name: str) -> UserError:
    """The error that says which corpora there are."""
    names = corpus_names(storage)
    near = difflib.get_close_matches(name, names, n=1)
    return UserError(
        f"there is no corpus called {name!r}",
        where=storage.path(layout.corpus_folder()),
        got=f"corpora: {', '.join(names)}" if names else "there are none",
        todo=f"did you mean {near[0]}?"
        if near
        else "`pairmill build RECIPE` makes one; --workspace names another folder",
    )

"""The log of a corpus, and finding versions by what people type."""

from __future__ import annotations

import difflib

from pipeline import layout
from pipeline.storage import Storage
from schemas.corpus import CorpusManifest, LogEntry
from schemas.errors import IntegrityError, UserError


def read_log(storage: Storage, name: str) -> list[LogEntry]:
    """Versions of a corpus, oldest first; empty if there is none.

    Raises:
        IntegrityError: if the log cannot be read.
    """
    path = layout.corpus_log(name)
    if not storage.exists(path):
        return []
    try:
        return [LogEntry.model_validate_json(line) for line in storage.read(path).splitlines() if line]
    except ValueError as error:
        raise IntegrityError("the log of a corpus is damaged", where=storage.path(path), got=str(error).splitlines()[0],
                             todo="restore it from a copy, or delete it and build the recipe again, which finds the "
                             "finished version and writes a new log") from error  # fmt: skip


def append_log(storage: Storage, manifest: CorpusManifest, time: str) -> None:
    """Add a version at the end, unless it is the last one already."""
    name, entries = manifest.identity.name, read_log(storage, manifest.identity.name)
    parent = entries[-1].version if entries else ""
    if parent == manifest.version:
        return
    samples = sum(manifest.identity.samples.values())
    entry = LogEntry(version=manifest.version, parent=parent, time=time, samples=samples, tag="")
    text = "".join(f"{line.canonical_json()}\n" for line in [*entries, entry])
    storage.write(layout.corpus_log(name), text.encode())


def corpus_names(storage: Storage) -> list[str]:
    """Names of all corpora in the workspace."""
    return [name for name in storage.names(layout.corpus_folder()) if not name.startswith(".")]


def find_version(storage: Storage, reference: str) -> CorpusManifest:
    """The manifest of `NAME` (its newest version), or of `NAME@VERSION`, where a few first digits are enough.

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
    versions = sorted({entry.version for entry in entries if entry.version.startswith(wanted) or entry.tag == wanted})
    if len(versions) != 1:
        known = ", ".join(entry.version for entry in entries[-5:])
        raise UserError(
            f"{len(versions) or 'no'} versions of {name} fit {wanted!r}",
            where=storage.path(layout.corpus_folder(name)),
            wanted=f"one of {known}",
            todo=f"`pairmill corpus list {name}` shows all of them",
        )
    return read_manifest(storage, name, versions[0])


def read_manifest(storage: Storage, name: str, version: str) -> CorpusManifest:
    """The manifest of a version.

    Raises:
        IntegrityError: if it is missing or cannot be read.
    """
    path = layout.corpus_manifest(name, version)
    if not storage.exists(path):
        raise IntegrityError("the log names a version that is not there", where=storage.path(path),
                             todo="restore it from a copy, or build it again")  # fmt: skip
    try:
        return CorpusManifest.model_validate_json(storage.read(path))
    except ValueError as error:
        raise IntegrityError("a manifest is damaged", where=storage.path(path), got=str(error).splitlines()[0],
                             todo="restore it from a copy, or delete the version and build it again") from error  # fmt: skip


def unknown_corpus(storage: Storage, name: str) -> UserError:
    """The error that says which corpora there are."""
    names = corpus_names(storage)
    near = difflib.get_close_matches(name, names, n=1)
    return UserError(
        f"there is no corpus called {name!r}",
        where=storage.path(layout.corpus_folder()),
        got=f"corpora: {', '.join(names)}" if names else "no corpus at all",
        todo=f"did you mean {near[0]}?" if near else "`pairmill build RECIPE` makes one; --workspace names another folder",
    )

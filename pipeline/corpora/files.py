"""The files of a version: names of its shards, records of all others."""

from __future__ import annotations

import hashlib
from typing import IO

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import (
    CorpusIdentity,
)
from pairmill.schemas.work import FileRecord


def shard_names_of(identity: CorpusIdentity, version: str) -> tuple[str, ...]:
    """File names of the shards of a version, in order."""
    numbers: dict[str, int] = {}
    names = []
    for shard in identity.shards:
        number = numbers.get(shard.split, 0)
        numbers[shard.split] = number + 1
        names.append(layout.shard_name(identity.name, version, shard.split, number))
    return tuple(names)


def file_record(storage: Storage, folder: str, name: str) -> FileRecord:
    """Size and digest of a file."""
    with storage.open(f"{folder}/{name}") as file:
        return FileRecord(name=name, bytes=storage.size(f"{folder}/{name}"), sha256=sha256_of(file))


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of all that is left to read, in hex."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

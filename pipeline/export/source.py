"""Pairs streamed from a shard, one at a time, while its bytes are checked against the manifest."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from typing import IO, Any

from pairmill.pipeline.export.base import Item, Job, Source
from pairmill.pipeline.shards.tar import FIELDS, read_members
from pairmill.pipeline.workspace import layout
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.sample import SampleRecord


class _Hashed:
    """A file for reading that hashes what passes; the digest of a shard vouches for every PNG and
    pixel in it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.state = file, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        data = self.file.read(count)
        self.state.update(data)
        return data

    def digest(self) -> str:
        while self.read(1 << 20):
            pass
        return self.state.hexdigest()


def stream_items(job: Job, source: Source) -> Iterator[Item]:
    """The pairs of a shard.

    Raises:
        IntegrityError: when the shard turns out not to be the sealed one, at the latest after its
            last pair.
    """
    identity = job.manifest.identity
    count = 0
    with job.storage.open(
        layout.shard_path(identity.name, job.manifest.version, source.name)
    ) as file:
        hashed: Any = _Hashed(file)
        try:
            for _, fields in read_members(hashed):
                yield _item(fields)
                count += 1
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise _damaged(job, source, str(error).splitlines()[0]) from error
        digest = hashed.digest()
    if digest != source.record.sha256 or count != source.record.samples:
        raise _damaged(job, source, f"sha256 {digest[:12]} and {count} pairs")


def _item(fields: dict[str, bytes]) -> Item:
    if sorted(fields) != sorted(FIELDS):
        raise ValueError(f"a sample has {', '.join(sorted(fields))}")
    return Item(
        SampleRecord.model_validate_json(fields["json"]),
        fields["json"],
        fields["hr.png"],
        fields["lr.png"],
    )


def _damaged(job: Job, source: Source, got: str) -> IntegrityError:
    wanted = f"sha256 {source.record.sha256[:12]} and {source.record.samples} pairs"
    reference = f"{job.manifest.identity.name}@{job.manifest.version}"
    return IntegrityError(
        "a shard is not as it was sealed",
        where=source.name,
        got=got,
        wanted=wanted,
        todo=f"`pairmill corpus verify {reference}` says what differs",
    )

"""Pairs streamed from a shard, one at a time, while its bytes are checked against the manifest."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.export.base import Item, Job, Source
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode, encode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.shards.shard_pairs import ShardPair, read_shard
from pairmill.pipeline.workspace import layout
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.program import Program

PNG = b"\x89PNG\r\n\x1a\n"


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
    """The pairs of a shard as PNG files, as they are there; what is not there, LR of a corpus that
    stores none, or is of another encoding, is made.

    Raises:
        IntegrityError: when the shard turns out not to be the sealed one, at the latest after its
            last pair.
    """
    identity = job.manifest.identity
    count, assets = 0, job.assets
    with job.storage.open(
        layout.shard_path(identity.name, job.manifest.version, source.name)
    ) as file:
        hashed: Any = _Hashed(file)
        try:
            for pair in read_shard(job.storage, job.manifest, source.name, hashed):
                yield _with_kernel(job, source, _item(pair, assets))
                count += 1
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise _damaged(job, source, str(error).splitlines()[0]) from error
        digest = hashed.digest()
    if digest != source.record.sha256 or count != source.record.samples:
        raise _damaged(job, source, f"sha256 {digest[:12]} and {count} pairs")


def _item(pair: ShardPair, assets: Assets | None) -> Item:
    if assets is None or pair.lr is not None:
        return Item(pair.record, pair.json, _png(pair.hr), _png(pair.lr or b""))
    lr = apply(Program.model_validate_json(pair.record.program), decode(pair.hr), assets)
    if pixel_digest(lr) != pair.record.lr_sha256:
        raise ValueError(f"the LR of {pair.record.key} comes out other than it was sealed")
    return Item(pair.record, pair.json, _png(pair.hr), encode(lr, "fast"))


def _with_kernel(job: Job, source: Source, item: Item) -> Item:
    if job.labels is None:
        return item
    return replace(item, kernel=job.labellers[source.record.split].of_tile(item.key))


def _png(data: bytes) -> bytes:
    return data if data.startswith(PNG) else encode(decode(data), "fast")


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

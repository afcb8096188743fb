"""The samples of one shard in order, whether it holds LR or HR tiles alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from pairmill.pipeline.shards.table import opened_table, rows_of
from pairmill.pipeline.shards.tar import RECORD, ShardForm, read_own_members, tile_key
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.sample import SampleRecord


@dataclass(frozen=True, eq=False)
class ShardPair:
    """One sample."""

    record: SampleRecord
    json: bytes
    """The record as it lies in a shard with LR."""
    hr: bytes
    """HR as a file."""
    lr: bytes | None
    """LR as a file; none where it is not stored."""


def read_shard(
    storage: Storage, manifest: CorpusManifest, name: str, file: IO[bytes]
) -> Iterator[ShardPair]:
    """The samples of a shard.

    Args:
        storage: The workspace.
        manifest: The version.
        name: File name of the shard.
        file: The shard, open.

    Raises:
        tarfile.ReadError, OSError: where the tar is damaged.
        ValueError: if a sample is not what the version's recipe says.
    """
    form = ShardForm.of(manifest.identity.recipe)
    if form.lr_stored:
        for _, fields in read_own_members(file):
            yield stored_pair(fields, form)
        return
    records = records_of_shard(storage, manifest, name)
    left = next(records, None)
    for key, fields in read_own_members(file):
        _check(fields, form)
        if left is None or tile_key(left.key) != key:
            raise ValueError(f"tile {key} has no sample in the table")
        while left is not None and tile_key(left.key) == key:
            yield ShardPair(left, left.canonical_json().encode(), fields[form.hr], None)
            left = next(records, None)
    if left is not None:
        raise ValueError(f"the HR of {left.key} is not in the shard")


def stored_pair(fields: Mapping[str, bytes], form: ShardForm) -> ShardPair:
    """A sample of a shard with LR, from its members.

    Raises:
        ValueError: if the members are others, or the record cannot be read.
    """
    _check(fields, form)
    record = SampleRecord.model_validate_json(fields[RECORD])
    return ShardPair(record, fields[RECORD], fields[form.hr], fields[form.lr])


def _check(fields: Mapping[str, bytes], form: ShardForm) -> None:
    if sorted(fields) != sorted(form.fields):
        raise ValueError(f"a sample has {', '.join(sorted(fields))}")


def records_of_shard(
    storage: Storage, manifest: CorpusManifest, name: str
) -> Iterator[SampleRecord]:
    """The records of one shard, in order, from the table."""
    with opened_table(storage, manifest) as table:
        for row in rows_of(table, manifest.shard_names.index(name)):  # a row group is a shard
            yield SampleRecord.model_validate(row.model_dump(exclude={"split", "shard"}))

"""Make the LR of a sample again from its HR, its program and the pools, and compare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets, read_assets
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.shards.shard_pairs import ShardPair, read_shard
from pairmill.pipeline.shards.table import opened_table, rows_of
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.program import Program
from pairmill.schemas.sample import SampleRecord, SampleRow


@dataclass(frozen=True)
class Replayed:
    """One sample, stored and made again."""

    record: SampleRecord
    """What the corpus knows of it."""
    hr: NDArray[np.uint8]
    """As stored, (s H, s W, 3)."""
    lr: NDArray[np.uint8]
    """As stored; where it is not, as made now."""
    again: NDArray[np.uint8]
    """As made now."""

    @property
    def identical(self) -> bool:
        """Whether the LR made now is the stored one, and the sealed one, pixel for pixel."""
        return (
            bool(np.array_equal(self.lr, self.again))
            and pixel_digest(self.again) == self.record.lr_sha256
        )


def corpus_assets(storage: Storage, manifest: CorpusManifest) -> Assets:
    """The pools that lie inside a version, as they are now."""
    name, version = manifest.identity.name, manifest.version
    pools = tuple(
        (ref, layout.corpus_pool(name, version, ref.kind)) for ref in manifest.identity.pools
    )
    return read_assets(storage, pools)


def read_table(storage: Storage, manifest: CorpusManifest) -> Iterator[SampleRow]:
    """Rows of the version's `samples.parquet`."""
    with opened_table(storage, manifest) as table:
        for number in range(table.num_row_groups):
            yield from rows_of(table, number)


def find_samples(
    storage: Storage, manifest: CorpusManifest, keys: list[str]
) -> dict[str, set[str]]:
    """Shards and the wanted keys in them.

    Raises:
        UserError: if a key is not in the version.
    """
    wanted, found, example = set(keys), dict[str, set[str]](), ""
    for row in read_table(storage, manifest):
        example = example or row.key
        if row.key in wanted:
            found.setdefault(row.shard, set()).add(row.key)
    missing = wanted - set().union(*found.values())
    if missing:
        raise UserError(
            f"no sample {min(missing)!r} in {manifest.identity.name}@{manifest.version}",
            wanted=f"a key such as {example}",
            todo="`pairmill corpus show` lists some keys; samples.parquet has all",
        )
    return found


def replay(
    storage: Storage, manifest: CorpusManifest, wanted: dict[str, set[str]]
) -> Iterator[Replayed]:
    """Replay samples, given as keys by shard.

    Raises:
        IntegrityError: if a pool, a shard or a sample is missing or unreadable.
    """
    assets = corpus_assets(storage, manifest)
    for shard, keys in wanted.items():
        left = set(keys)
        with storage.open(
            layout.shard_path(manifest.identity.name, manifest.version, shard)
        ) as file:
            for pair in read_shard(storage, manifest, shard, file):
                if pair.record.key in left:
                    left.discard(pair.record.key)
                    yield replay_one(pair, assets)
        if left:
            raise IntegrityError(
                f"sample {min(left)} is not in its shard",
                where=shard,
                todo="check the version with `pairmill corpus verify`",
            )


def replay_one(pair: ShardPair, assets: Assets) -> Replayed:
    """Replay one sample.

    Raises:
        IntegrityError: if the sample names a pool that is not there.
        ValueError: if an image cannot be read.
    """
    hr = decode(pair.hr)
    again = apply(Program.model_validate_json(pair.record.program), hr, assets)
    lr = again if pair.lr is None else decode(pair.lr)
    return Replayed(pair.record, hr, lr, again)

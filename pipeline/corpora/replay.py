"""Make the LR of a sample again from its HR, its program and the pools, and compare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets, read_assets
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.shards.table import iterate
from pairmill.pipeline.shards.tar import read_members
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
    hr: NDArray[np.uint8]
    lr: NDArray[np.uint8]
    """As stored."""
    again: NDArray[np.uint8]
    """As made now."""

    @property
    def identical(self) -> bool:
        """Whether the LR made now is the stored one, pixel for pixel."""
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
    with storage.open(
        f"{layout.version_folder(manifest.identity.name, manifest.version)}/samples.parquet"
    ) as file:
        yield from iterate(file)


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
            for key, fields in read_members(file):
                if key in left:
                    left.discard(key)
                    yield replay_one(fields, assets)
        if left:
            raise IntegrityError(
                f"sample {min(left)} is not in its shard",
                where=shard,
                todo="check the version with `pairmill corpus verify`",
            )


def replay_one(fields: dict[str, bytes], assets: Assets) -> Replayed:
    """Replay one sample from the bytes of its three members.

    Raises:
        IntegrityError: if the sample names a pool that is not there.
        ValueError: if an image or the JSON cannot be read.
    """
    record = SampleRecord.model_validate_json(fields["json"])
    hr, lr = decode_png(fields["hr.png"]), decode_png(fields["lr.png"])
    return Replayed(record, hr, lr, apply(Program.model_validate_json(record.program), hr, assets))

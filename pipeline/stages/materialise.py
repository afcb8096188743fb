"""Materialise: write the LR of a version that does not store it; each shard is one unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from pairmill.pipeline.assets import Assets, read_assets
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode, encode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.shards.shard_pairs import ShardPair, read_shard
from pairmill.pipeline.shards.table import parquet_bytes
from pairmill.pipeline.shards.tar import RECORD, Sample, ShardForm, ShardWriter
from pairmill.pipeline.stages import synthesize
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.version_folder import VersionFolder
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.program import Program
from pairmill.schemas.sample import SampleRow
from pairmill.schemas.shard import Encoding, ShardRef, ShardResult, ShardSet
from pairmill.schemas.work import FileRecord, Payload


class MaterialiseConfig(Frozen):
    """How LR is written."""

    encoding: Encoding
    """How images are encoded."""


class Inputs(Frozen):
    """A version, and where it lies."""

    manifest: CorpusManifest
    """The version."""
    folder: str
    """URL of its folder."""


class TilesPayload(Payload):
    """One shard of HR tiles."""

    folder: str
    """URL of the version's folder; a place, which does not matter."""
    corpus: str
    """Name of the corpus."""
    version: str
    """The version, which its folder may be called otherwise than."""
    shard: str
    """File name of the shard."""
    split: str
    """Split that its samples are in."""
    tar: Digest
    """Digest of the shard."""
    pixels: Digest
    """Digest of the keys and pixel digests of its samples, those of LR among them."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return self.shard

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.split, self.tar, self.pixels]


def plan(inputs: Inputs, config: MaterialiseConfig) -> list[TilesPayload]:
    """One unit per shard."""
    identity = inputs.manifest.identity
    return [
        TilesPayload(
            folder=inputs.folder,
            corpus=identity.name,
            version=inputs.manifest.version,
            shard=name,
            split=shard.split,
            tar=shard.sha256,
            pixels=shard.pixel_sha256,
        )
        for name, shard in zip(inputs.manifest.shard_names, identity.shards, strict=True)
    ]


def work(
    units: Sequence[Unit[TilesPayload]], config: MaterialiseConfig, context: Context
) -> Iterator[ShardResult]:
    """Make the LR of a shard, compare it with what was sealed, and write `shard.tar` and
    `samples.parquet`.
    """
    form = ShardForm(config.encoding)
    for unit in units:
        shard, rows = unit.payload, list[SampleRow]()
        source, manifest, assets = _opened(shard.folder, shard.corpus, shard.version)
        path = layout.shard_path(shard.corpus, shard.version, shard.shard)
        with context.create(unit, "shard.tar") as file, source.open(path) as tiles:
            writer = ShardWriter(file)
            for pair in read_shard(source, manifest, shard.shard, tiles):
                writer.write(_with_lr(pair, assets, form, shard.shard))
                rows.append(SampleRow(**dict(pair.record), split=shard.split, shard=""))
            writer.close()
        found = synthesize.pixels_of(rows)
        if found != shard.pixels:
            raise IntegrityError(
                "the table of samples is not what was sealed",
                where=source.path(path),
                got=found[:12],
                wanted=shard.pixels[:12],
                todo="check the version with `pairmill corpus verify`",
            )
        context.write(unit, "samples.parquet", parquet_bytes(rows))
        yield ShardResult(
            split=shard.split,
            samples=len(rows),
            degraders=dict(sorted(Counter(row.degrader for row in rows).items())),
            tar=FileRecord(name="shard.tar", bytes=writer.bytes, sha256=writer.sha256),
            pixel_sha256=found,
        )


def _with_lr(pair: ShardPair, assets: Assets, form: ShardForm, shard: str) -> Sample:
    """The members of a sample; HR stays as it is encoded.

    Raises:
        IntegrityError: if LR does not come out as it was sealed.
    """
    lr = apply(Program.model_validate_json(pair.record.program), decode(pair.hr), assets)
    found = pixel_digest(lr)
    if found != pair.record.lr_sha256:
        raise IntegrityError(
            "the LR of a sample comes out other than it was sealed",
            where=f"{shard}: {pair.record.key}",
            got=found[:12],
            wanted=pair.record.lr_sha256[:12],
            todo="install the libraries that the version was made with: manifest.json names them",
        )
    files = (form.hr, pair.hr), (RECORD, pair.json), (form.lr, encode(lr, form.encoding))
    return Sample(pair.record.key, files)


@lru_cache(maxsize=2)
def _opened(folder: str, name: str, version: str) -> tuple[VersionFolder, CorpusManifest, Assets]:
    """A version and its pools, once per process."""
    storage = VersionFolder(folder, name, version)
    manifest = CorpusManifest.model_validate_json(
        storage.read(layout.corpus_manifest(name, version))
    )
    pools = tuple(
        (ref, layout.corpus_pool(name, version, ref.kind)) for ref in manifest.identity.pools
    )
    return storage, manifest, read_assets(storage, pools)


def seal(
    units: Sequence[Unit[TilesPayload]],
    records: Sequence[ShardResult],
    config: MaterialiseConfig,
    context: Context,
    key: str,
) -> ShardSet:
    """List the shards."""
    return ShardSet(
        shards=tuple(
            ShardRef(key=unit.key, result=record)
            for unit, record in zip(units, records, strict=True)
        )
    )


STAGE = Stage(
    name="materialise",
    version=1,
    title="materialise",
    noun="shards",
    record=ShardResult,
    manifest=ShardSet,
    plan=plan,
    work=work,
    seal=seal,
)

"""Publish a version: shards, pools, table, card, indexes and report first, the manifest last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pairmill.pipeline.build.identity import counts_of, credits_of, identity_of, sources_of
from pairmill.pipeline.build.libraries import builds_of
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.corpora import card
from pairmill.pipeline.corpora.files import file_record, sha256_of, shard_names_of
from pairmill.pipeline.corpora.image_locations import note_locations
from pairmill.pipeline.corpora.log import append_log, find_version, read_log
from pairmill.pipeline.pools.groups import group_records
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.shards.table import with_shard, write_tables
from pairmill.pipeline.stages import synthesize
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import (
    CorpusManifest,
)
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.groups import GroupRecord
from pairmill.schemas.provenance import Circumstance
from pairmill.schemas.shard import ShardRef
from pairmill.schemas.work import FileRecord

WriteReport = Callable[[Storage, BuildResult, CorpusManifest], None]
"""Writes the report of a version whose shards, pools and table are in place; see
`pairmill.pipeline.report.write.write_report`."""


def sealed_version(storage: Storage, made: BuildResult) -> CorpusManifest | None:
    """The manifest of this very corpus, if it was sealed before."""
    path = layout.corpus_manifest(made.recipe.name, identity_of(made).content_digest()[:12])
    return CorpusManifest.model_validate_json(storage.read(path)) if storage.exists(path) else None


def publish(
    made: BuildResult, profile: Profile, circumstance: Circumstance, report: WriteReport
) -> CorpusManifest:
    """Publish a version, or find it; the log gets a line either way if its last line is another
    version.

    Args:
        made: All sealed stages.
        profile: The workspace, and the device that stages ran on.
        circumstance: When, where and by what it was made.
        report: Writes the report, before the manifest.

    Raises:
        IntegrityError: if a finished shard is no longer what it was; it is forgotten, so that a
            rerun makes it anew.
    """
    storage = Storage(profile.workspace)
    manifest = sealed_version(storage, made) or _publish(
        made, storage, circumstance, profile.device, report
    )
    note_locations(storage, manifest, _locations(made))
    _note_sources(storage, made, profile.device)
    append_log(storage, manifest, now())
    return manifest


def _publish(
    made: BuildResult,
    storage: Storage,
    circumstance: Circumstance,
    device: str,
    report: WriteReport,
) -> CorpusManifest:
    identity = identity_of(made)
    digest, name = identity.content_digest(), made.recipe.name
    version = digest[:12]
    names = shard_names_of(identity, version)
    shards = SealedShards(synthesize.STAGE.name, made.shards.key, made.shards.manifest.shards)
    publish_shards(storage, shards, name, version, names)
    for pool, group in made.pools:
        storage.link_tree(group, layout.corpus_pool(name, version, pool.kind))
    log = read_log(storage, name)
    manifest = CorpusManifest(
        version=version,
        digest=digest,
        identity=identity,
        shard_names=names,
        files=(),
        counts=counts_of(made),
        credits=credits_of(made.images.manifest),
        groups=_groups(storage, made),
        parents=(log[-1].version,) if log else (),
        circumstance=circumstance.with_(software=circumstance.software | builds_of(made.recipe)),
    )
    storage.write(
        layout.version_sources(name, version), sources_of(made, device).canonical_json().encode()
    )
    manifest = manifest.with_(files=write_files(storage, shards, manifest))
    report(storage, made, manifest)
    storage.write(layout.corpus_manifest(name, version), manifest.canonical_json().encode())
    return manifest


def _groups(storage: Storage, made: BuildResult) -> tuple[GroupRecord, ...]:
    """The groups that rows of the pools are of; those of the version that pools were taken from."""
    if not made.recipe.pools_from:
        return group_records(made.groups)
    return find_version(storage, made.recipe.pools_from).groups


def _note_sources(storage: Storage, made: BuildResult, device: str) -> None:
    """What the last build was made of, for `gc`; a build that finds its version sealed may have
    come to it from other files.
    """
    path, data = (
        layout.corpus_sources(made.recipe.name),
        sources_of(made, device).canonical_json().encode(),
    )
    if not storage.exists(path) or storage.read(path) != data:
        storage.write(path, data)


@dataclass(frozen=True)
class SealedShards:
    """The shards of a version, and the stage that made them."""

    stage: str
    """Name of the stage."""
    key: str
    """Key of the sealed stage."""
    refs: tuple[ShardRef, ...]
    """Its shards, in order."""

    def unit(self, ref: ShardRef) -> str:
        """Folder of the unit that made a shard."""
        return layout.unit_folder(self.stage, ref.key)


def publish_shards(
    storage: Storage, shards: SealedShards, name: str, version: str, names: Sequence[str]
) -> None:
    """Give finished shards their names in a version.

    Raises:
        IntegrityError: see `publish`.
    """
    paths = [layout.shard_path(name, version, shard) for shard in names]
    storage.each(
        lambda shard: _publish_shard(storage, shards, *shard),
        list(zip(shards.refs, paths, strict=True)),
    )


def _publish_shard(storage: Storage, shards: SealedShards, ref: ShardRef, target: str) -> None:
    source = f"{shards.unit(ref)}/{ref.result.tar.name}"
    with storage.open(source) as file:
        found = sha256_of(file)
    if found != ref.result.tar.sha256:
        storage.remove(layout.unit_marker(shards.stage, ref.key))
        storage.remove(layout.stage_manifest(shards.stage, shards.key))
        raise IntegrityError(
            "a finished shard has changed since it was made",
            where=storage.path(source),
            got=f"sha256 {found[:12]}",
            wanted=ref.result.tar.sha256[:12],
            todo="run the same command again; it rebuilds this shard",
        )
    storage.link(source, target)


def write_files(
    storage: Storage, shards: SealedShards, manifest: CorpusManifest
) -> tuple[FileRecord, ...]:
    """Write table, card and indexes next to the list of sources that is there; `manifest` has no
    files yet.
    """
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    with storage.create(f"{folder}/samples.parquet") as file:
        tables = (
            with_shard(storage.read(f"{shards.unit(ref)}/samples.parquet"), shard)
            for ref, shard in zip(shards.refs, manifest.shard_names, strict=True)
        )
        write_tables(file, tables)
    manifest = manifest.with_(
        files=(file_record(storage, folder, "samples.parquet"),)
    )  # which Croissant describes
    for name, text in card.files(manifest).items():
        storage.write(f"{folder}/{name}", text.encode())
    return tuple(
        file_record(storage, folder, name)
        for name in ("samples.parquet", "sources.json", *card.files(manifest))
    )


def _locations(made: BuildResult) -> dict[str, str]:
    """Where the images of a build lie, by pixel digest."""
    pairs = [file for pair in made.pairs for file in (pair.lq, pair.hq)]
    return {image.pixel_sha256: image.url for image in (*made.images.manifest.accepted, *pairs)}

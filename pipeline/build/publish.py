"""Seal a corpus: shards, pools, table, card, indexes and report first, the manifest last."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import IO, Any

from pairmill.pipeline.build.select_images import ImageSelection
from pairmill.pipeline.corpora import card
from pairmill.pipeline.corpora.image_locations import note_places
from pairmill.pipeline.corpora.log import append_log, read_log
from pairmill.pipeline.curation.copies import tied
from pairmill.pipeline.html.text import file_name
from pairmill.pipeline.pools.make_pools import PoolResults, Pools
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.stage import Profile, Sealed
from pairmill.pipeline.shards.table import with_shard, write_tables
from pairmill.pipeline.stages import synthesize
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import digest_of
from pairmill.schemas.corpus import (
    CorpusIdentity,
    CorpusManifest,
    CreditCount,
    ShardRecord,
    SourceImage,
    SourcePair,
    VersionSources,
)
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet
from pairmill.schemas.provenance import Circumstance
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.shard import ShardRef, ShardSet
from pairmill.schemas.work import FileRecord

NOT_IDENTITY: dict[str, Any] = {
    "images": True,
    "pools_from": True,
    "realism": True,
    "train": True,
    "redegnet": {"vgg_weights", "from_checkpoint"},
}
"""Parts of a recipe that are places of files, whose content counts instead, or change no sample."""


@dataclass(frozen=True, kw_only=True)
class BuildResult(PoolResults):
    """All sealed stages of a build."""

    recipe: Recipe
    images: Sealed[ImageSet]
    """Those that take part, and those that do not."""
    chosen: ImageSelection
    """How they were chosen."""
    hr: Sealed[HrSet]
    pools: Pools
    """What programs draw from."""
    shards: Sealed[ShardSet]
    versions: dict[str, int]
    """Versions of the stages that took part."""
    used: dict[str, tuple[str, ...]]
    """Keys of all sealed stages that took part, by stage."""


def identity_of(made: BuildResult) -> CorpusIdentity:
    """All that determines the version."""
    samples: dict[str, int] = {}
    degraders: dict[str, int] = {}
    for ref in made.shards.manifest.shards:
        samples[ref.result.split] = samples.get(ref.result.split, 0) + ref.result.samples
        for kind, count in ref.result.degraders.items():
            degraders[kind] = degraders.get(kind, 0) + count
    return CorpusIdentity(
        name=made.recipe.name,
        recipe=_settings(made.recipe),
        images=hashlib.sha256(repr(made.images.manifest.identity()).encode()).hexdigest(),
        credits=_credits_digest(made.images.manifest),
        stages=made.versions,
        pools=tuple(ref for ref, _ in made.pools),
        samples=samples,
        degraders=dict(sorted(degraders.items())),
        shards=tuple(_shard_record(ref) for ref in made.shards.manifest.shards),
    )


def _settings(recipe: Recipe) -> dict[str, Any]:
    """The settings that determine a version; a recipe that does not curate is what it was before
    one could.
    """
    curation = True if recipe.curation is None else {"benchmarks"}
    settings: dict[str, Any] = recipe.model_dump(
        mode="json", exclude=NOT_IDENTITY | {"curation": curation}
    )
    return settings


def _credits_digest(images: ImageSet) -> str | None:
    said = [
        (image.pixel_sha256, image.credit.model_dump()) for image in images.accepted if image.credit
    ]
    return digest_of(said) if said else None


def credits_of(images: ImageSet) -> tuple[CreditCount, ...]:
    """Distinct credits, most images first; none if nothing was said."""
    counts = Counter(image.credit for image in images.accepted)
    if set(counts) <= {None}:
        return ()
    order = sorted(
        counts.items(),
        key=lambda item: (item[0] is None, -item[1], item[0].canonical_json() if item[0] else ""),
    )
    return tuple(CreditCount(credit=credit, images=count) for credit, count in order)


def _shard_record(ref: ShardRef) -> ShardRecord:
    tar = ref.result.tar
    return ShardRecord(
        split=ref.result.split,
        samples=ref.result.samples,
        bytes=tar.bytes,
        sha256=tar.sha256,
        pixel_sha256=ref.result.pixel_sha256,
    )


def sealed_version(storage: Storage, made: BuildResult) -> CorpusManifest | None:
    """The manifest of this very corpus, if it was sealed before."""
    path = layout.corpus_manifest(made.recipe.name, identity_of(made).content_digest()[:12])
    return CorpusManifest.model_validate_json(storage.read(path)) if storage.exists(path) else None


def seal_corpus(made: BuildResult, profile: Profile, circumstance: Circumstance) -> CorpusManifest:
    """Publish a version, or find it; the log gets a line either way if its last line is another
    version.

    Raises:
        IntegrityError: if a finished shard is no longer what it was; it is forgotten, so that a
            rerun makes it anew.
    """
    storage = Storage(profile.workspace)
    manifest = sealed_version(storage, made) or _publish(
        made, storage, circumstance, profile.device
    )
    note_places(storage, made, manifest)
    _note_sources(storage, made, profile.device)
    append_log(storage, manifest, now())
    return manifest


def _publish(
    made: BuildResult, storage: Storage, circumstance: Circumstance, device: str
) -> CorpusManifest:
    identity = identity_of(made)
    digest, name = identity.content_digest(), made.recipe.name
    version = digest[:12]
    names = shard_names_of(identity, version)
    paths = [layout.shard_path(name, version, shard) for shard in names]
    shards = list(zip(made.shards.manifest.shards, paths, strict=True))
    storage.each(lambda shard: _publish_shard(storage, made.shards.key, *shard), shards)
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
        parents=(log[-1].version,) if log else (),
        circumstance=circumstance,
    )
    storage.write(
        layout.version_sources(name, version), sources_of(made, device).canonical_json().encode()
    )
    manifest = manifest.with_(files=write_files(storage, made, manifest))
    write_report(storage, made, manifest)
    storage.write(layout.corpus_manifest(name, version), manifest.canonical_json().encode())
    return manifest


def shard_names_of(identity: CorpusIdentity, version: str) -> tuple[str, ...]:
    """File names of the shards of a version, in order."""
    numbers: dict[str, int] = {}
    names = []
    for shard in identity.shards:
        number = numbers.get(shard.split, 0)
        numbers[shard.split] = number + 1
        names.append(layout.shard_name(identity.name, version, shard.split, number))
    return tuple(names)


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


def sources_of(made: BuildResult, device: str) -> VersionSources:
    """Which images and sealed stages the version was made from."""
    curation = made.recipe.curation
    return VersionSources(
        images=tuple(_source(image, made.chosen) for image in made.images.manifest.accepted),
        pairs=tuple(
            SourcePair(name=pair.name, lq=pair.lq.pixel_sha256, hq=pair.hq.pixel_sha256)
            for pair in made.pairs
        ),
        stages=made.used,
        device=device,
        pools_from=made.recipe.pools_from,
        curation=curation.with_(benchmarks=()) if curation else None,
    )


def _source(image: ImageRecord, chosen: ImageSelection) -> SourceImage:
    return SourceImage(
        role=image.role,
        pixel_sha256=image.pixel_sha256,
        name=file_name(image.url),
        credit=image.credit,
        scores=chosen.curated.scores[image.pixel_sha256] if chosen.curated else None,
        split_key=chosen.split_keys.get(image.pixel_sha256),
    )


def _publish_shard(storage: Storage, stage_key: str, ref: ShardRef, target: str) -> None:
    source = f"{layout.unit_folder(synthesize.STAGE.name, ref.key)}/{ref.result.tar.name}"
    with storage.open(source) as file:
        found = _sha256(file)
    if found != ref.result.tar.sha256:
        storage.remove(layout.unit_marker(synthesize.STAGE.name, ref.key))
        storage.remove(layout.stage_manifest(synthesize.STAGE.name, stage_key))
        raise IntegrityError(
            "a finished shard has changed since it was made",
            where=storage.path(source),
            got=f"sha256 {found[:12]}",
            wanted=ref.result.tar.sha256[:12],
            todo="run the same command again; it makes this shard anew",
        )
    storage.link(source, target)


def _sha256(file: IO[bytes]) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def write_files(
    storage: Storage, made: BuildResult, manifest: CorpusManifest
) -> tuple[FileRecord, ...]:
    """Write table, card and indexes beside the list of sources that is there; `manifest` has no
    files yet.
    """
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    with storage.create(f"{folder}/samples.parquet") as file:
        tables = (
            with_shard(
                storage.read(
                    f"{layout.unit_folder(synthesize.STAGE.name, ref.key)}/samples.parquet"
                ),
                shard,
            )
            for ref, shard in zip(made.shards.manifest.shards, manifest.shard_names, strict=True)
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


def file_record(storage: Storage, folder: str, name: str) -> FileRecord:
    """Size and digest of a file."""
    with storage.open(f"{folder}/{name}") as file:
        return FileRecord(name=name, bytes=storage.size(f"{folder}/{name}"), sha256=_sha256(file))


def counts_of(made: BuildResult) -> dict[str, int]:
    """How many things were accepted, rejected and skipped."""
    images, hr = made.images.manifest, made.hr.manifest
    counts = {
        "images": len(images.accepted),
        "images_rejected": len(images.rejected),
        "tiles": hr.tiles,
        "tiles_skipped": sum(sum(ref.hr.skipped.values()) for ref in hr.images),
    }
    if made.chosen.curated is not None:
        counts["near_duplicate_pairs"] = len(made.chosen.curated.pairs)
        counts["near_duplicate_groups"] = len(tied(made.chosen.curated.pairs))
        counts["images_in_benchmarks"] = len(made.chosen.curated.leaks)
    if made.kernels is not None:
        judged = made.kernels.manifest.judged
        counts["kernels"] = made.kernels.manifest.count
        counts["kernels_rejected"] = sum(not record.verdict.accepted for record in judged)
    if made.generated is not None:
        counts["generated_kernels"] = made.generated.manifest.count
    if made.noise is not None:
        counts["noise_patches"] = made.noise.manifest.count
    if made.compression is not None and made.compression.manifest.count:
        counts["jpeg_encoders"] = made.compression.manifest.count
    return counts

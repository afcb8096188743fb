"""Repair a damaged version: make it again elsewhere, and take those files from there that have the
sealed bytes.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence

from pairmill.pipeline.build.publish import SealedShards, write_files
from pairmill.pipeline.build.reproduce import Bench, remade
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.stages import synthesize
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, Fault, VerifyReport
from pairmill.schemas.errors import IntegrityError, UserError

SOURCES = "sources.json"


def repair(
    storage: Storage, manifest: CorpusManifest, bench: Bench, images: Sequence[str] = ()
) -> tuple[list[str], VerifyReport]:
    """Replace what `verify` finds damaged; a pool is estimated again only if it is damaged itself.

    A file is replaced only by one that has the bytes it was sealed with, and so is the stage's copy
    of it.

    Args:
        storage: The workspace that holds the version.
        manifest: The version.
        bench: Where and how it is made again.
        images: Files, folders or globs to find images in that are no longer where they were.

    Returns:
        Names of the replaced files, and what `verify` says afterwards.

    Raises:
        UserError: if the manifest or the list of images is damaged, images are missing, or a
            damaged pool cannot come out equal here.
        PairmillError: what the stages raise.
    """
    report = verify(storage, manifest)
    if report.ok:
        return [], report
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    if not repairable(report):
        raise UserError(
            "this version cannot be repaired: its own description is damaged",
            where=storage.path(folder),
            todo=BY_HAND,
        )
    pools = any(finding.fault == Fault.POOL for finding in report.findings)
    try:
        made, _, _ = remade(storage, manifest, bench, images, from_pools=None if pools else True)
    except IntegrityError as error:
        if not pools:
            raise
        raise UserError(
            "a damaged pool is needed to rebuild the version but cannot be reproduced exactly here",
            where=storage.path(folder),
            got=error.what,
            todo=BY_HAND_TOO,
        ) from error
    there = Storage(bench.profile.workspace)
    damaged = {finding.where for finding in report.findings}
    done = [
        *_shards(storage, manifest, made, there, damaged),
        *_files(storage, manifest, made, there, damaged),
    ]
    if pools:
        done += _pools(storage, manifest, made, there)
    return done, verify(storage, manifest)


BY_HAND = (
    "delete this folder and run `pairmill build RECIPE` again, which publishes the version "
    "anew from its finished stages"
)
"""What helps where a version does not know any more what it was."""
BY_HAND_TOO = (
    "delete this folder, and the folders `sealed` of stages/pool_* and stages/generate_kernels, "
    "and run "
    "`pairmill build RECIPE` again, which seals the pools anew from its finished units"
)
"""What helps where a pool cannot be estimated again: its recipe took it from another version, or
learns from pairs."""


def repairable(report: VerifyReport) -> bool:
    """Whether what a version says of itself is whole, so that it can be made again."""
    return not any(
        finding.fault == Fault.MANIFEST or finding.where == SOURCES for finding in report.findings
    )


def _shards(
    storage: Storage, manifest: CorpusManifest, made: BuildResult, there: Storage, damaged: set[str]
) -> Iterator[str]:
    made_by_digest = {ref.result.tar.sha256: ref for ref in made.shards.manifest.shards}
    for name, shard in zip(manifest.shard_names, manifest.identity.shards, strict=True):
        ref = made_by_digest.get(shard.sha256)
        if name in damaged and ref is not None:
            unit = f"{layout.unit_folder(synthesize.STAGE.name, ref.key)}/{ref.result.tar.name}"
            path = layout.shard_path(manifest.identity.name, manifest.version, name)
            _copy(there, unit, storage, path)
            _again(storage, path, unit)
            yield name


def _pools(
    storage: Storage, manifest: CorpusManifest, made: BuildResult, there: Storage
) -> Iterator[str]:
    sealed = {ref.digest for ref in manifest.identity.pools}
    for ref, group in made.pools:
        target = layout.corpus_pool(manifest.identity.name, manifest.version, ref.kind)
        if ref.digest in sealed and there.files(group):
            for name in there.files(group):
                _copy(there, f"{group}/{name}", storage, f"{target}/{name}")
                _again(storage, f"{target}/{name}", f"{group}/{name}")
            yield f"pools/{ref.kind}.zarr"


def _files(
    storage: Storage, manifest: CorpusManifest, made: BuildResult, there: Storage, damaged: set[str]
) -> Iterator[str]:
    """Table, card and indexes, which follow from the shards and the manifest."""
    if not damaged & {record.name for record in manifest.files}:
        return
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    there.write(f"{folder}/{SOURCES}", storage.read(f"{folder}/{SOURCES}"))
    shards = SealedShards(synthesize.STAGE.name, made.shards.key, made.shards.manifest.shards)
    write_files(there, shards, manifest.with_(files=()))
    for record in manifest.files:
        data = there.read(f"{folder}/{record.name}")
        if record.name in damaged and hashlib.sha256(data).hexdigest() == record.sha256:
            storage.write(f"{folder}/{record.name}", data)
            yield record.name


def _copy(source: Storage, name: str, target: Storage, place: str) -> None:
    with source.open(name) as file, target.create(place) as new:
        shutil.copyfileobj(file, new, 1 << 20)


def _again(storage: Storage, whole: str, name: str) -> None:
    """Give a repaired file the name that its damaged twin has in a stage, if the stage is still
    there.
    """
    if storage.exists(name):
        storage.link(whole, name)

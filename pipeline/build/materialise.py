"""Write the LR of a version that does not store it: the version that the same recipe would have
made with `shards: {lr: stored}`.
"""

from __future__ import annotations

from collections.abc import Callable

from pairmill.pipeline.build.identity import shard_record
from pairmill.pipeline.build.publish import SealedShards, publish_shards, write_files
from pairmill.pipeline.corpora.files import shard_names_of
from pairmill.pipeline.corpora.image_locations import note_locations, read_locations
from pairmill.pipeline.corpora.log import append_log, read_log
from pairmill.pipeline.runner.execution import ProcessExecutor, SerialExecutor, runner
from pairmill.pipeline.runner.listeners import ProgressListeners
from pairmill.pipeline.runner.stage import (
    Profile,
    ProgressListener,
    Run,
    Sealed,
)
from pairmill.pipeline.runner.threads import single_thread
from pairmill.pipeline.runner.timings import Timings
from pairmill.pipeline.shards.tar import ShardForm
from pairmill.pipeline.stages import materialise as stage
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import making
from pairmill.pipeline.workspace.provenance import circumstance, now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.pipeline.workspace.version_folder import VersionFolder
from pairmill.schemas.corpus import CorpusIdentity, CorpusManifest, VersionSources
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.provenance import Circumstance
from pairmill.schemas.shard import ShardSet

Retell = Callable[[Storage, CorpusManifest, Storage, CorpusManifest], None]
"""Writes the report of the new version; see `pairmill.pipeline.report.write.retell_report`."""


def materialise(
    storage: Storage,
    manifest: CorpusManifest,
    profile: Profile,
    report: Retell,
    listener: ProgressListener | None = None,
) -> CorpusManifest:
    """Make and publish the version, or find it, in this process or worker processes of it.

    Args:
        storage: The workspace or the folder that holds the version.
        manifest: The version.
        profile: The workspace that gets the new one; it may be the same.
        report: Writes its report, before the manifest.
        listener: Hears how the stage goes on.

    Returns:
        The new version: HR, programs, pools and LR digests as they were.

    Raises:
        UserError: if the version stores its LR.
        BusyError: if another process builds this corpus there.
        IntegrityError: if something of the version is missing or damaged, or an LR does not come
            out as it was sealed.
    """
    identity = manifest.identity
    if ShardForm.of(identity.recipe).lr_stored:  # said before a lock is taken: nothing is left
        raise UserError(
            "this version stores its LR: there is nothing to make",
            where=f"{identity.name}@{manifest.version}",
            todo="`pairmill corpus export` writes it in other formats",
        )
    executor = ProcessExecutor(profile.workers) if profile.workers > 1 else SerialExecutor()
    timings, started = Timings(), now()
    run = runner(profile, executor, ProgressListeners([timings, listener or ProgressListener()]))
    processes = f"{profile.workers} process{'es' * (profile.workers > 1)}"

    def made_now() -> Circumstance:
        return circumstance(started, processes, "", tuple(timings.rows))

    with making(Storage(profile.workspace), identity.name), single_thread():
        return _made(storage, manifest, profile, run, made_now, report)


def _made(
    storage: Storage,
    manifest: CorpusManifest,
    profile: Profile,
    run: Run,
    made_now: Callable[[], Circumstance],
    report: Retell,
) -> CorpusManifest:
    """Run the stage and publish, under the lock."""
    identity, target = manifest.identity, Storage(profile.workspace)
    folder = storage.path(layout.version_folder(identity.name, manifest.version))
    sources = _sources(storage, manifest)
    made = run(
        stage.STAGE,
        stage.Inputs(manifest=manifest, folder=folder),
        stage.MaterialiseConfig(encoding=ShardForm.of(identity.recipe).encoding),
    )
    stored = _identity(identity, made.manifest)
    digest = stored.content_digest()
    path = layout.corpus_manifest(identity.name, digest[:12])
    if target.exists(path):
        found = CorpusManifest.model_validate_json(target.read(path))
    else:
        found = _written(storage, manifest, target, stored, made, sources, made_now())
        report(storage, manifest, target, found)
        target.write(path, found.canonical_json().encode())
    if not isinstance(storage, VersionFolder):  # which knows nothing of a workspace
        note_locations(target, found, read_locations(storage, manifest).images)
    append_log(target, found, now())
    return found


def _identity(identity: CorpusIdentity, made: ShardSet) -> CorpusIdentity:
    records = tuple(shard_record(ref) for ref in made.shards)
    shards = identity.recipe["shards"] | {"lr": "stored"}
    return identity.with_(recipe=identity.recipe | {"shards": shards}, shards=records)


def _sources(storage: Storage, manifest: CorpusManifest) -> VersionSources:
    path = layout.version_sources(manifest.identity.name, manifest.version)
    try:
        return VersionSources.model_validate_json(storage.read(path))
    except ValueError as error:
        raise IntegrityError(
            "the list of the images of a version is damaged",
            where=storage.path(path),
            got=str(error).splitlines()[1].strip(),
            todo="copy the version again",
        ) from error


def _written(
    storage: Storage,
    manifest: CorpusManifest,
    target: Storage,
    identity: CorpusIdentity,
    made: Sealed[ShardSet],
    sources: VersionSources,
    circumstance: Circumstance,
) -> CorpusManifest:
    """Write shards, pools, table and card of the new version; returns its manifest."""
    name, digest = identity.name, identity.content_digest()
    version = digest[:12]
    old, new = (layout.version_folder(name, v) for v in (manifest.version, version))
    names = shard_names_of(identity, version)
    shards = SealedShards(stage.STAGE.name, made.key, made.manifest.shards)
    publish_shards(target, shards, name, version, names)
    for file in storage.files(f"{old}/pools"):
        target.write(f"{new}/pools/{file}", storage.read(f"{old}/pools/{file}"))
    sources = sources.with_(stages=sources.stages | {stage.STAGE.name: (made.key,)})
    target.write(layout.version_sources(name, version), sources.canonical_json().encode())
    log = read_log(target, name)
    found = manifest.with_(
        version=version,
        digest=digest,
        identity=identity,
        shard_names=names,
        files=(),
        parents=(log[-1].version,) if log else (),
        circumstance=circumstance,
    )
    return found.with_(files=write_files(target, shards, found))

"""Make a version again from its manifest and its images, and prove that it came out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pairmill.pipeline.build.build import make
from pairmill.pipeline.build.identity import identity_of
from pairmill.pipeline.build.libraries import builds_of
from pairmill.pipeline.build.older_recipes import as_meant
from pairmill.pipeline.build.pinned_pools import pools_of
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.build.select_images import CURATION, ImageSelection
from pairmill.pipeline.corpora.diff import (
    Row,
    compare_rows,
    compare_shards,
    merged,
    read_sources,
    sorted_rows,
)
from pairmill.pipeline.corpora.image_locations import locations_of
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.images.listing import FoundFile, look_at, place_of
from pairmill.pipeline.pools.base import Pools
from pairmill.pipeline.pools.make_pools import needed
from pairmill.pipeline.pools.photographs import GROUPING
from pairmill.pipeline.runner.execution import Executor, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed, Stage
from pairmill.pipeline.stages import ingest, synthesize
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import circumstance
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, SourceImage, VersionSources
from pairmill.schemas.diff import Outcome, Reproduction, SampleChanges
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageSet, Role
from pairmill.schemas.recipe import Recipe

SHOWN = 8
"""Missing images that are named in a message."""
FITS = ("torch", "numpy", "scipy", "scikit-learn")
"""Libraries whose versions may change a fit."""


@dataclass(frozen=True)
class Bench:
    """Where and how a version is made again."""

    profile: Profile
    """The workspace to build in: an empty folder, or that of an earlier try, which is then
    continued."""
    executor: Executor
    watcher: ProgressListener


def reproduce(
    storage: Storage,
    manifest: CorpusManifest,
    bench: Bench,
    images: Sequence[str] = (),
    from_pools: bool | None = None,
) -> Reproduction:
    """Make a version again and compare.

    Args:
        storage: The workspace that holds the version.
        manifest: The version.
        bench: Where and how.
        images: Files, folders or globs to find images in that are no longer where they were; the
            pixel digest tells which.
        from_pools: Use the pools inside the version; without a word, where their fits cannot come
            out equal here.

    Raises:
        UserError: if images are missing, naming each, or if the version cannot be made by this
            version of pairmill.
        PairmillError: what the stages raise.
    """
    made, notes, pinned = remade(storage, manifest, bench, images, from_pools)
    return _compared(storage, manifest, made, bench, tuple(notes), from_pools=pinned)


def remade(
    storage: Storage,
    manifest: CorpusManifest,
    bench: Bench,
    images: Sequence[str] = (),
    from_pools: bool | None = None,
) -> tuple[BuildResult, list[str], bool]:
    """All stages of a version, made again at the bench; what is not as it was; and whether the
    version's pools were used.

    Raises:
        UserError: see `reproduce`.
        PairmillError: what the stages raise.
    """
    sources = read_sources(storage, manifest)
    if sources is None:
        raise UserError(
            "this version does not record the images it was made from",
            where=storage.path(_folder(manifest)),
            todo="build its recipe again; versions sealed by this pairmill list their images in "
            "sources.json",
        )
    recipe, known = recipe_of(manifest, sources), locations_of(storage, manifest, sources)
    reasons = unlike(manifest, sources, recipe, bench.profile.device)
    lost = [kind for kind in needed(recipe) if not kind.repeatable]
    only = bool(sources.pools_from) or bool(lost) or recipe.takes_pairs
    pinned = only or (bool(reasons) if from_pools is None else from_pools)
    found = find_images(sources, known, recipe, images, bench)
    pools = (
        _copy_pools(storage, manifest, recipe, Storage(bench.profile.workspace)) if pinned else None
    )
    made = make(
        _located(recipe, found), "/", _carrier(bench), None, pools, chosen=_chosen(sources, found)
    )
    return (
        made,
        [
            *reasons,
            *(["the pools of the version are used"] if pinned else []),
            *_differences(manifest, made),
        ],
        pinned,
    )


def _folder(manifest: CorpusManifest) -> str:
    return layout.version_folder(manifest.identity.name, manifest.version)


def recipe_of(manifest: CorpusManifest, sources: VersionSources) -> Recipe:
    """The recipe of a version, with the names of its images.

    Raises:
        UserError: if this version of pairmill cannot read the recipe.
    """
    places = {
        role: tuple(image.name for image in sources.images if image.role == role) for role in Role
    }
    images: dict[str, Any] = {"real": places[Role.REAL], "clean": places[Role.CLEAN]}
    # Patterns of pairs are never read: the pools of the version are used.
    if "redegnet" in {degrader["kind"] for degrader in manifest.identity.recipe["degraders"]}:
        images["pairs"] = {"lq": ".", "hq": "."}
    if "aligned" in manifest.identity.recipe:
        images["aligned"] = {"lr": ".", "hr": "."}
    # What the photographs were divided into then holds, not what their files would say now.
    groups = {"by": "names" if any(image.group for image in sources.images) else "one"}
    said = {**as_meant(manifest.identity.recipe), "images": images, "groups": groups}
    try:
        return Recipe.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            "this version's recipe has a setting unknown to this version of pairmill",
            where=f"{_folder(manifest)}/recipe.json",
            got=f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            todo="install pairmill "
            f"{manifest.circumstance.software.get('pairmill', 'of that time')}, which made "
            "it",
        ) from error


def _located(recipe: Recipe, found: ImageSet) -> Recipe:
    """The recipe with its images where they are now."""
    places = {role.value: [image.url for image in found.with_role(role)] for role in Role}
    return recipe.with_(images=recipe.images.model_dump() | places)


def unlike(
    manifest: CorpusManifest, sources: VersionSources, recipe: Recipe, device: str
) -> list[str]:
    """Why a fit may not come out equal here; empty if it does, or if the recipe fits nothing."""
    then, now = manifest.circumstance, circumstance("", "", "", ())
    if sources.pools_from:
        return [f"the pools were those of {sources.pools_from}"]
    if not any(kind.fitted for kind in needed(recipe)):
        return []
    found = (
        [f"the fits ran on {sources.device}, here it is {device}"]
        if sources.device != device
        else []
    )
    found += (
        [f"the fits ran on {then.platform}, here it is {now.platform}"]
        if then.platform != now.platform
        else []
    )
    found += [
        f"the fits ran with {name} {then.software[name]}, here it is {now.software[name]}"
        for name in FITS
        if then.software.get(name, now.software[name]) != now.software[name]
    ]
    if recipe.draws_from("redegnet"):
        found.append("the weights that ReDegNet began from are not kept")
    return found


def find_images(
    sources: VersionSources,
    known: Mapping[str, str],
    recipe: Recipe,
    places: Sequence[str],
    bench: Bench,
) -> ImageSet:
    """The images of a version, wherever they are now: where they were known to be, or in other
    places.

    Raises:
        UserError: if some are missing, naming each, where it was, and what is there now.
    """
    urls = [known[image.pixel_sha256] for image in sources.images if image.pixel_sha256 in known]
    there = [
        look_at(place_of(url, "/", "places of the version"), "places of the version")
        for url in urls
    ]
    files = [file for file in there if isinstance(file, FoundFile)]
    files += find_files(places, ".", "--images") if places else []
    by_url = {file.url: file for file in files}
    payloads = [
        ingest.FilePayload(url=file.url, bytes=file.bytes, modified=file.modified, role=Role.REAL)
        for file in by_url.values()
    ]
    found = (
        run_stage(
            ingest.STAGE, payloads, recipe.ingest, bench.profile, bench.executor, bench.watcher
        )
        if payloads
        else None
    )
    by_digest = found.manifest.by_digest() if found else {}
    missing = [image for image in sources.images if image.pixel_sha256 not in by_digest]
    if missing:
        raise _missing(missing, len(sources.images), known, set(by_url))
    return ImageSet(
        accepted=tuple(by_digest[i.pixel_sha256].with_(role=i.role) for i in sources.images),
        rejected=(),
    )


def _chosen(sources: VersionSources, found: ImageSet) -> ImageSelection:
    """The images as the version chose them: what was rejected then is not looked at again."""
    by_digest = {image.pixel_sha256: image for image in sources.images}
    credited = tuple(
        image.with_(
            credit=by_digest[image.pixel_sha256].credit, group=by_digest[image.pixel_sha256].group
        )
        for image in found.accepted
    )
    keys = {image.pixel_sha256: image.split_key for image in sources.images if image.split_key}
    return ImageSelection(Sealed("0" * 64, found.with_(accepted=credited), len(credited), 0), keys)


def _missing(
    missing: Sequence[SourceImage], total: int, known: Mapping[str, str], urls: set[str]
) -> UserError:
    lines = []
    for image in missing[:SHOWN]:
        place = known.get(image.pixel_sha256)
        if place in urls:
            said = "there is a file, but with other pixels"
        elif place:
            said = "gone"
        else:
            said = "this workspace never saw it"
        lines.append(
            f"{place or image.name} ({image.role}, pixels {image.pixel_sha256[:12]}): {said}"
        )
    more = [f"and {len(missing) - SHOWN} more"] if len(missing) > SHOWN else []
    return UserError(
        f"{len(missing)} of {total} images of this version cannot be found",
        where="images of the version",
        got="; ".join(lines + more),
        wanted="files with the same pixels, under any name",
        todo="name folders that hold them with --images",
    )


def _copy_pools(
    storage: Storage, manifest: CorpusManifest, recipe: Recipe, target: Storage
) -> Pools:
    pools = pools_of(manifest, recipe)
    for _, group in pools:
        for name in storage.files(group):
            target.write(f"{group}/{name}", storage.read(f"{group}/{name}"))
    return pools


def _carrier(bench: Bench) -> Callable[[Stage[Any, Any, Any, Any, Any], Any, Any], Sealed[Any]]:
    """Runs stages at the bench."""

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        return run_stage(stage, inputs, config, bench.profile, bench.executor, bench.watcher)

    return run


def _differences(manifest: CorpusManifest, made: BuildResult) -> Iterator[str]:
    """What is not as it was: stages, pools, libraries."""
    then = manifest.circumstance.software
    now = circumstance("", "", "", ()).software | builds_of(made.recipe)
    for stage, version in made.versions.items():
        if manifest.identity.stages.get(stage, version) != version:
            yield (
                f"stage {stage} was version {manifest.identity.stages[stage]}, here it is {version}"
            )
    pools = {pool.kind: pool.digest for pool in manifest.identity.pools}
    for ref, _ in made.pools:
        if pools.get(ref.kind) != ref.digest:
            yield (
                f"the pool of {ref.kind} came out other than it was; --from-pools takes the "
                "one inside the version"
            )
    for name in sorted(then.keys() & now.keys()):
        if then[name] != now[name]:
            yield f"{name} was {then[name]}, here it is {now[name]}"


def _compared(
    storage: Storage,
    manifest: CorpusManifest,
    made: BuildResult,
    bench: Bench,
    notes: tuple[str, ...],
    *,
    from_pools: bool,
) -> Reproduction:
    # The images, and which camera each is of, are as these stages of then said.
    before = {ingest.STAGE.name, *CURATION, *GROUPING}
    stages = {
        name: v for name, v in manifest.identity.stages.items() if from_pools or name in before
    } | made.versions
    again = identity_of(made).with_(recipe=manifest.identity.recipe, stages=stages)
    digest, total = again.content_digest(), sum(manifest.identity.samples.values())
    if digest == manifest.digest:
        outcome, samples = Outcome.IDENTICAL, SampleChanges(equal=total)
    else:
        with ExitStack() as stack:
            rows = _rows_made(made, Storage(bench.profile.workspace))
            samples = compare_rows(sorted_rows(stack, storage, manifest), rows)
        outcome = Outcome.PIXELS if samples.same else Outcome.DIFFERENT
    return Reproduction(
        version=f"{manifest.identity.name}@{manifest.version}",
        outcome=outcome,
        digest=digest,
        from_pools=from_pools,
        notes=tuple(dict.fromkeys(notes)),
        samples=samples,
        shards=compare_shards(manifest.identity.shards, again.shards),
    )


def _rows_made(made: BuildResult, workspace: Storage) -> Iterator[Row]:
    """Rows of the shards that were made, in the order of versions."""
    splits = dict.fromkeys(ref.result.split for ref in made.shards.manifest.shards)
    return merged([_rows_of_split(made, workspace, split) for split in splits])


def _rows_of_split(made: BuildResult, workspace: Storage, split: str) -> Iterator[Row]:
    import pyarrow.parquet as pq

    for ref in made.shards.manifest.shards:
        if ref.result.split == split:
            data = workspace.read(
                f"{layout.unit_folder(synthesize.STAGE.name, ref.key)}/samples.parquet"
            )
            yield from pq.read_table(io.BytesIO(data)).to_pylist()

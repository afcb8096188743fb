"""What determines a version, and what is said of it: identity, sources, credits, counts."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.build.select_images import ImageSelection
from pairmill.pipeline.curation.copies import tied
from pairmill.pipeline.html.text import file_name
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.groups import group_counts
from pairmill.schemas.base import digest_of
from pairmill.schemas.corpus import (
    CorpusIdentity,
    CreditCount,
    ShardRecord,
    SourceImage,
    SourcePair,
    VersionSources,
)
from pairmill.schemas.hr import TileReason
from pairmill.schemas.image import ImageRecord, ImageSet
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.shard import ShardRef
from pairmill.schemas.translation import METHODS

NOT_IDENTITY: dict[str, Any] = {
    "images": True,
    "groups": True,
    "pools_from": True,
    "realism": True,
    "train": True,
    "redegnet": {"vgg_weights", "from_checkpoint"},
    "dsgan": {"vgg_weights"},
}
"""Parts of a recipe that are places of files, whose content counts instead, or change no sample; of
groups, what pools say of their rows counts."""

UNSAID_PDM = {"samples": 64_000}
"""What recipes that do not use PDM, and say nothing of it, say in the identities of versions: what
its defaults were when this section became a part of them."""


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
        shards=tuple(shard_record(ref) for ref in made.shards.manifest.shards),
    )


def _settings(recipe: Recipe) -> dict[str, Any]:
    """The settings that determine a version; a recipe that does not curate, or takes no real pairs,
    is what it was before one could.
    """
    curation = True if recipe.curation is None else {"benchmarks"}
    left_out = NOT_IDENTITY | {"curation": curation}
    if not recipe.takes_pairs:
        left_out |= {"aligned": True}
    left_out |= {name: True for name in METHODS if not recipe.draws_from(name)}
    settings: dict[str, Any] = recipe.model_dump(mode="json", exclude=left_out)
    if not recipe.draws_from("pdm") and recipe.pdm == PdmConfig():
        settings["pdm"] |= UNSAID_PDM
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


def shard_record(ref: ShardRef) -> ShardRecord:
    """What a version says of a shard."""
    tar = ref.result.tar
    return ShardRecord(
        split=ref.result.split,
        samples=ref.result.samples,
        bytes=tar.bytes,
        sha256=tar.sha256,
        pixel_sha256=ref.result.pixel_sha256,
    )


def sources_of(made: BuildResult, device: str) -> VersionSources:
    """Which images and sealed stages the version was made from."""
    curation = made.recipe.curation
    names: dict[str, str] = {}
    if made.groups is not None and made.groups.several:
        names = {
            photograph: group.name
            for group in made.groups.groups
            for photograph in group.photographs
        }
    return VersionSources(
        images=tuple(
            _source(image, made.chosen, names.get(image.pixel_sha256, ""))
            for image in made.images.manifest.accepted
        ),
        pairs=tuple(
            SourcePair(name=pair.name, lq=pair.lq.pixel_sha256, hq=pair.hq.pixel_sha256)
            for pair in made.pairs
        ),
        stages=made.used,
        device=device,
        pools_from=made.recipe.pools_from,
        curation=curation.with_(benchmarks=()) if curation else None,
    )


def _source(image: ImageRecord, chosen: ImageSelection, group: str) -> SourceImage:
    return SourceImage(
        role=image.role,
        pixel_sha256=image.pixel_sha256,
        name=file_name(image.url),
        credit=image.credit,
        scores=chosen.curated.scores[image.pixel_sha256] if chosen.curated else None,
        split_key=chosen.split_keys.get(image.pixel_sha256),
        group=group,
    )


def counts_of(made: BuildResult) -> dict[str, int]:
    """How many things were accepted, rejected and skipped."""
    images, hr = made.images.manifest, made.hr.manifest
    counts = {
        "images": len(images.accepted),
        "images_rejected": len(images.rejected),
        "tiles": hr.tiles,
        "tiles_skipped": sum(sum(ref.hr.skipped.values()) for ref in hr.images),
    }
    for reason in (TileReason.DEFOCUSED, TileReason.NOT_CHOSEN):
        if count := sum(ref.hr.skipped.get(reason, 0) for ref in hr.images):
            counts[f"tiles_{reason.replace(' ', '_')}"] = count
    if made.chosen.curated is not None:
        counts["near_duplicate_pairs"] = len(made.chosen.curated.pairs)
        counts["near_duplicate_groups"] = len(tied(made.chosen.curated.pairs))
        counts["images_in_benchmarks"] = len(made.chosen.curated.leaks)
        if made.chosen.curated.figures:
            counts["images_worth_less"] = len(made.chosen.curated.verdicts)
    counts |= group_counts(made.groups, [ref for ref, _ in made.pools])
    for kind, sealed in made.sealed.items():
        counts |= POOLS[kind].counts(sealed.manifest)
    return counts

"""All report data of a version, with its images written as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import yaml

from pairmill.pipeline.corpora.samples import some_pairs, some_programs
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.text import file_name
from pairmill.pipeline.pools.aligned import ALIGNED
from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.generated_kernels import GENERATED_KERNELS
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.pools.noise import NOISE
from pairmill.pipeline.pools.noise_choice import NOISE_CHOICE
from pairmill.pipeline.pools.noise_levels import NOISE_LEVELS
from pairmill.pipeline.report.aligned import collect_aligned
from pairmill.pipeline.report.compare import collect_compare
from pairmill.pipeline.report.compression import collect_compression
from pairmill.pipeline.report.curation import collect_curation
from pairmill.pipeline.report.distributions import collect_spread
from pairmill.pipeline.report.fits import collect_fits
from pairmill.pipeline.report.groups import collect_groups
from pairmill.pipeline.report.images import collect_images
from pairmill.pipeline.report.kernels import collect_generated, collect_kernels
from pairmill.pipeline.report.noise import collect_noise, curve_views
from pairmill.pipeline.report.pairs import SHOWN, collect_pairs
from pairmill.pipeline.report.pool_rows import KernelPictures, kernel_pools, pool_rows
from pairmill.pipeline.report.realism import collect_realism
from pairmill.pipeline.report.source_images import Sources
from pairmill.pipeline.stages.table import STAGES
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.aligned_pool import AlignedSection
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.report import (
    CompressionSection,
    Head,
    KernelsSection,
    MakingSection,
    NoiseCurveView,
    NoiseSection,
    ReportData,
)

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult


def collect(
    storage: Storage,
    made: BuildResult,
    manifest: CorpusManifest,
    picture_files: PictureFiles,
    advanced: Callable[[str], None] = lambda _: None,
) -> ReportData:
    """Gather what the report shows.

    Args:
        storage: The workspace.
        made: Sealed stages of the build.
        manifest: The version, whose shards, pools and table are in place.
        picture_files: Where images go.
        advanced: Called with what is looked at next.
    """
    advanced("pairs, kernels and noise of the report")
    sources = Sources(storage, made, picture_files)
    drawn = {
        digest: KernelPictures(rows, picture_files, made.recipe.scale)
        for digest, rows in kernel_pools(storage, manifest).items()
    }
    pairs = some_pairs(storage, manifest, SHOWN)
    return ReportData(
        head=head_of(manifest),
        pairs=collect_pairs(pairs, manifest, _names(made), drawn, picture_files),
        compare=collect_compare(pairs, made, made.recipe.scale, picture_files),
        aligned=_aligned(made),
        kernels=_kernels(storage, made, drawn, sources, picture_files),
        noise=_noise(storage, made, manifest, sources, picture_files),
        compression=_compression(made, sources),
        groups=collect_groups(manifest),
        fits=collect_fits(storage, made, picture_files),
        realism=collect_realism(storage, made, manifest, picture_files, advanced),
        curation=collect_curation(made.chosen, manifest.credits, picture_files),
        images=collect_images(made.images.manifest, made.hr.manifest, sources),
        spread=collect_spread(made, manifest, pairs, some_programs(storage, manifest)),
        making=making_of(manifest, pairs[0].row.key if pairs else ""),
    )


def _kernels(
    storage: Storage,
    made: BuildResult,
    drawn: Mapping[str, KernelPictures],
    sources: Sources,
    picture_files: PictureFiles,
) -> KernelsSection | None:
    sealed, generated = KERNELS.of(made), GENERATED_KERNELS.of(made)
    if sealed is None:
        return None
    pool = sealed.manifest
    kernels = collect_kernels(storage, pool, drawn[pool.digest], sources, picture_files)
    if generated is None:
        return kernels
    g = generated.manifest
    return kernels.with_(generated=collect_generated(g, drawn[g.digest]))


def _names(made: BuildResult) -> dict[str, str]:
    """File names of source images, HR of real pairs too, by pixel digest."""
    images = [*made.images.manifest.accepted, *(pair.hq for pair in made.pairs)]
    return {image.pixel_sha256: file_name(image.url) for image in images}


def _aligned(made: BuildResult) -> AlignedSection | None:
    sealed = ALIGNED.of(made)
    return None if sealed is None else collect_aligned(sealed.manifest)


def _noise(
    storage: Storage,
    made: BuildResult,
    manifest: CorpusManifest,
    sources: Sources,
    picture_files: PictureFiles,
) -> NoiseSection | None:
    sealed, rows = NOISE.of(made), pool_rows(storage, manifest, NOISE.name)
    if sealed is None or rows is None:
        return None
    return collect_noise(sealed.manifest, rows, sources, picture_files, _curves(made))


def _curves(made: BuildResult) -> list[NoiseCurveView]:
    """What noise follows, by group; a group that is the only one needs no name."""
    sealed, groups = NOISE_LEVELS.of(made), made.groups
    if sealed is None:
        return []
    names = [group.name for group in groups.groups] if groups is not None else []
    count, chosen = len(sealed.manifest.groups), NOISE_CHOICE.of(made)
    unnamed = [""] * count
    return curve_views(
        sealed.manifest,
        names if len(names) == count > 1 else unnamed,
        [one.why for one in chosen.manifest.groups] if chosen else unnamed,
    )


def _compression(made: BuildResult, sources: Sources) -> CompressionSection | None:
    sealed = COMPRESSION.of(made)
    return None if sealed is None else collect_compression(sealed.manifest, sources)


def head_of(manifest: CorpusManifest) -> Head:
    """What the corpus is."""
    identity = manifest.identity
    return Head(
        name=identity.name,
        version=manifest.version,
        digest=manifest.digest,
        parents=manifest.parents,
        scale=int(identity.recipe["scale"]),
        pairs=sum(identity.samples.values()),
        degraders=tuple(identity.degraders),
        counts=manifest.counts,
        shards=len(identity.shards),
        bytes=sum(shard.bytes for shard in identity.shards),
        made=manifest.circumstance.finished,
    )


def making_of(manifest: CorpusManifest, example: str) -> MakingSection:
    """How it was made, stages in the order of a build."""
    versions = manifest.identity.stages
    return MakingSection(
        recipe=yaml.safe_dump(
            manifest.identity.recipe, sort_keys=False, default_flow_style=None, width=100
        ),
        stages={name: versions[name] for name in STAGES if name in versions},
        pools=manifest.identity.pools,
        circumstance=manifest.circumstance.with_(host=""),  # a report is published with its corpus
        example=example,
    )

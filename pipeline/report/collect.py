"""All report data of a version, with its pictures written to the shelf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from pairmill.pipeline.corpora.samples import some_pairs, some_programs
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.report.compression import collect_compression
from pairmill.pipeline.report.curation import collect_curation
from pairmill.pipeline.report.distributions import collect_spread
from pairmill.pipeline.report.fits import collect_fits
from pairmill.pipeline.report.images import collect_images
from pairmill.pipeline.report.kernels import collect_generated, collect_kernels
from pairmill.pipeline.report.noise import collect_noise
from pairmill.pipeline.report.pairs import SHOWN, collect_pairs
from pairmill.pipeline.report.pool_rows import KernelPictures, kernel_pools, pool_rows
from pairmill.pipeline.report.realism import collect_realism
from pairmill.pipeline.report.source_images import Sources
from pairmill.pipeline.stages import STAGES
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.report import Head, MakingSection, ReportData

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult


def collect(
    storage: Storage, made: BuildResult, manifest: CorpusManifest, shelf: PictureFiles
) -> ReportData:
    """Gather what the report shows.

    Args:
        storage: The workspace.
        made: Sealed stages of the build.
        manifest: The version, whose shards, pools and table are in place.
        shelf: Where pictures go.
    """
    sources = Sources(storage, made, shelf)
    kernel_rows, noise_rows = (
        pool_rows(storage, manifest, "kernels"),
        pool_rows(storage, manifest, "noise"),
    )
    drawn = {
        digest: KernelPictures(rows, shelf, made.recipe.scale)
        for digest, rows in kernel_pools(storage, manifest).items()
    }
    pictures = None
    if kernel_rows:
        pictures = drawn[kernel_rows.ref.digest]
    pairs = some_pairs(storage, manifest, SHOWN)
    kernels = noise = None
    if made.kernels is not None and pictures is not None:
        kernels = collect_kernels(storage, made.kernels.manifest, pictures, sources, shelf)
        if made.generated is not None:
            g = made.generated.manifest
            kernels = kernels.with_(generated=collect_generated(g, drawn[g.digest]))
    if made.noise is not None and noise_rows is not None:
        noise = collect_noise(made.noise.manifest, noise_rows, sources, shelf)
    compression = None
    if made.compression:
        compression = collect_compression(made.compression.manifest, sources)
    return ReportData(
        head=head_of(manifest),
        pairs=collect_pairs(pairs, manifest, made.images.manifest, drawn, shelf),
        kernels=kernels,
        noise=noise,
        compression=compression,
        fits=collect_fits(storage, made, shelf),
        realism=collect_realism(storage, made, manifest, shelf),
        curation=collect_curation(made.chosen, manifest.credits, shelf),
        images=collect_images(made.images.manifest, made.hr.manifest, sources),
        spread=collect_spread(made, manifest, pairs, some_programs(storage, manifest)),
        making=making_of(manifest, pairs[0].row.key if pairs else ""),
    )


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

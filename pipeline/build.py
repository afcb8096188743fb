"""A build: the stages in order, whoever carries them."""

from __future__ import annotations

from typing import Protocol

from pipeline import layout
from pipeline.corpora.log import read_log
from pipeline.corpora.pinned import PinnedPools, pinned_pools
from pipeline.corpora.seal import Made, sealed_version
from pipeline.stage import C, I, M, P, R, Sealed, Stage, finished
from pipeline.stages import (
    clean_up,
    estimate_kernels,
    fit_pdm,
    fit_redegnet,
    generate_kernels,
    ingest,
    ingest_pairs,
    mine_compression,
    mine_noise,
    pool_compression,
    pool_kernels,
    pool_noise,
    pool_pdm,
    pool_redegnet,
    synthesize,
)
from pipeline.storage import Storage
from schemas.compression import CompressionPoolManifest
from schemas.corpus import CorpusManifest, PoolRef
from schemas.degraders.pdm import PdmConfig as PdmDegrader
from schemas.degraders.redegnet import RedegnetConfig as RedegnetDegrader
from schemas.errors import UserError
from schemas.hr import CutConfig, HrSet
from schemas.image import ImageSet
from schemas.kmsr import GenerateConfig, GeneratedPoolManifest
from schemas.noise import NoisePoolManifest
from schemas.pdm import PdmManifest
from schemas.pool import EstimateConfig, KernelPoolManifest, PoolKernelsConfig
from schemas.recipe import Recipe
from schemas.redegnet import RedegnetJudgeConfig, RedegnetManifest
from schemas.shard import ShardSet, SynthesizeConfig


class Run(Protocol):
    """Carries one stage and returns it sealed."""

    def __call__(self, stage: Stage[I, C, P, R, M], inputs: I, config: C, /) -> Sealed[M]:
        """Run or find the stage."""


def limited(recipe: Recipe, limit: int | None) -> Recipe:
    """The recipe of a small run on `limit` images per role: the same path, another name."""
    return recipe if limit is None else recipe.with_(name=f"{recipe.name}-limit{limit}")


def make(recipe: Recipe, base: str, run: Run, limit: int | None = None, pinned: PinnedPools | None = None) -> Made:
    """All stages up to the finished shards.

    Args:
        recipe: What to make.
        base: Folder that relative image patterns start at.
        run: Carries a stage.
        limit: Most images per role; none means all.
        pinned: Pools to draw from instead of estimating; see `pipeline.corpora.pinned`.

    Raises:
        PairmillError: what the stages raise.
    """
    run = used = Noting(run)
    files = ingest.find(recipe.images, base, limit)
    images = run(ingest.STAGE, files, recipe.ingest)
    hr = run(clean_up.STAGE, images.manifest, CutConfig(clean_up=recipe.clean_up, tiles=recipe.tiles))
    if pinned is not None:
        shards = _synthesized(recipe, images, hr, pinned, run)
        return Made(recipe, images, hr, None, None, pinned, shards, used.versions, used=used.keys)
    kernels = make_kernels(recipe, images.manifest, run) if recipe.needs_kernels else None
    generated = make_generated_kernels(recipe, kernels, run) if kernels is not None and recipe.needs_generated_kernels else None
    compression = make_compression(recipe, images.manifest, run) if recipe.needs_compression else None
    noise = _noise(recipe, images.manifest, compression, run) if recipe.needs_noise else None
    pdm = make_pdm(recipe, images.manifest, hr.manifest, run) if recipe.needs_pdm else None
    _check_pdm(recipe, pdm)
    redegnet = make_redegnet(recipe, images.manifest, hr.manifest, base, run, limit) if recipe.needs_redegnet else None
    _check_redegnet(recipe, redegnet)
    pools = (*_pools(kernels, noise, compression, pdm), *redegnet_pools(redegnet), *_generated(generated))
    shards = _synthesized(recipe, images, hr, pools, run)
    fitted = (compression, pdm, redegnet)
    return Made(recipe, images, hr, kernels, noise, pools, shards, used.versions, *fitted, used=used.keys, generated=generated)


def _synthesized(recipe: Recipe, images: Sealed[ImageSet], hr: Sealed[HrSet], pools: PinnedPools, run: Run) -> Sealed[ShardSet]:
    config = SynthesizeConfig(
        seed=recipe.seed, scale=recipe.scale, tile=recipe.tiles.size, samples_per_tile=recipe.samples_per_tile,
        degraders=recipe.degraders, pools=tuple(ref for ref, _ in pools),
    )  # fmt: skip
    groups = tuple(group for _, group in pools)
    inputs = synthesize.Inputs(images.manifest, hr.manifest, groups, recipe.seed, recipe.splits, recipe.shards)
    return run(synthesize.STAGE, inputs, config)


class Noting:
    """A `Run` that passes stages on and remembers which took part."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.versions: dict[str, int] = {}
        self.keys: dict[str, tuple[str, ...]] = {}

    def __call__(self, stage: Stage[I, C, P, R, M], inputs: I, config: C, /) -> Sealed[M]:
        """See `Run`."""
        sealed = self.run(stage, inputs, config)
        self.versions[stage.name] = stage.version
        self.keys[stage.name] = (*self.keys.get(stage.name, ()), sealed.key)
        return sealed


class NotFinishedError(Exception):
    """A stage has something left to do."""


def find_corpus(recipe: Recipe, base: str, storage: Storage, limit: int | None = None) -> CorpusManifest | None:
    """The sealed version of a recipe if every stage is finished and it is the newest of its log; computes nothing.

    Raises:
        UserError: if the images cannot be found.
    """
    try:
        made = make(limited(recipe, limit), base, finder(storage), limit, pinned_pools(storage, recipe))
    except NotFinishedError:
        return None
    manifest = sealed_version(storage, made)
    log = read_log(storage, made.recipe.name)
    return manifest if manifest and log and log[-1].version == manifest.version else None


def finder(storage: Storage) -> Run:
    """A `Run` that only finds sealed stages, and raises NotFinishedError where there is none."""

    def run(stage: Stage[I, C, P, R, M], inputs: I, config: C, /) -> Sealed[M]:
        sealed = finished(stage, inputs, config, storage)
        if sealed is None:
            raise NotFinishedError(stage.title)
        return sealed

    return run


def make_kernels(recipe: Recipe, images: ImageSet, run: Run) -> Sealed[KernelPoolManifest]:
    """Estimate and pool kernels."""
    estimates = run(estimate_kernels.STAGE, images, EstimateConfig(seed=recipe.seed, kernelgan=recipe.kernels))
    config = PoolKernelsConfig(scale=recipe.scale, quality=recipe.kernel_quality)
    return run(pool_kernels.STAGE, (images, estimates.manifest), config)


def make_generated_kernels(recipe: Recipe, kernels: Sealed[KernelPoolManifest], run: Run) -> Sealed[GeneratedPoolManifest]:
    """Generate kernels in the manner of a kernel pool."""
    inputs = generate_kernels.Inputs(kernels.manifest, layout.pool_group(pool_kernels.STAGE.name, kernels.key))
    config = GenerateConfig(seed=recipe.seed, kmsr=recipe.kmsr, quality=recipe.kernel_quality)
    return run(generate_kernels.STAGE, inputs, config)


def make_noise(recipe: Recipe, images: ImageSet, run: Run) -> Sealed[NoisePoolManifest]:
    """Mine and pool noise, and compression before it if it is to be taken out of the noise."""
    compression = make_compression(recipe, images, run) if recipe.needs_compression else None
    return _noise(recipe, images, compression, run)


def make_compression(recipe: Recipe, images: ImageSet, run: Run) -> Sealed[CompressionPoolManifest]:
    """Mine and pool compression."""
    mined = run(mine_compression.STAGE, images, recipe.compression)
    return run(pool_compression.STAGE, mined.manifest, recipe.compression)


def make_pdm(recipe: Recipe, images: ImageSet, hr: HrSet, run: Run) -> Sealed[PdmManifest]:
    """Fit PDM and judge it."""
    fitted = run(fit_pdm.STAGE, fit_pdm.Inputs(images, hr), fit_pdm.fit_config(recipe.seed, recipe.scale, recipe.pdm))
    return run(pool_pdm.STAGE, fitted.manifest, recipe.pdm.gates)


def _check_pdm(recipe: Recipe, pdm: Sealed[PdmManifest] | None) -> None:
    """A fit that failed is drawn from only where the degrader says so."""
    wanted = any(isinstance(degrader, PdmDegrader) and not degrader.accept_failed for degrader in recipe.degraders)
    if pdm is not None and wanted and not pdm.manifest.verdict.accepted:
        raise pool_pdm.refused(pdm.manifest, recipe.pdm.gates)


def make_redegnet(
    recipe: Recipe, images: ImageSet, hr: HrSet, base: str, run: Run, limit: int | None = None
) -> Sealed[RedegnetManifest]:
    """Ingest pairs, fit ReDegNet and judge it.

    Raises:
        UserError: if the recipe has no pairs, or names files that are not there.
    """
    if recipe.images.pairs is None:
        raise UserError("the recipe names no pairs", where="recipe key images.pairs", wanted="pairs: {lq: FOLDER, hq: FOLDER}")
    pairs = run(ingest_pairs.STAGE, ingest_pairs.find(recipe.images.pairs, base, limit), recipe.ingest).manifest
    inputs = fit_redegnet.inputs(pairs, images, hr, recipe.redegnet, base)
    fitted = run(fit_redegnet.STAGE, inputs, fit_redegnet.fit_config(recipe.seed, recipe.redegnet))
    judging = RedegnetJudgeConfig(gates=recipe.redegnet.gates, specific=recipe.redegnet.use == "specific")
    return run(pool_redegnet.STAGE, fitted.manifest, judging)


def _check_redegnet(recipe: Recipe, redegnet: Sealed[RedegnetManifest] | None) -> None:
    """A fit that failed is drawn from only where the degrader says so."""
    wanted = any(isinstance(degrader, RedegnetDegrader) and not degrader.accept_failed for degrader in recipe.degraders)
    if redegnet is not None and wanted and not redegnet.manifest.verdict.accepted:
        raise pool_redegnet.refused(redegnet.manifest, recipe.redegnet.gates)


def redegnet_pools(redegnet: Sealed[RedegnetManifest] | None) -> tuple[tuple[PoolRef, str], ...]:
    """SynNet and the representations as pools, and the zarr groups that hold them."""
    if redegnet is None:
        return ()
    m = redegnet.manifest
    refs = (
        PoolRef(kind="redegnet", digest=m.digest, count=1, side=m.side),
        PoolRef(kind="codes", digest=m.codes, count=m.count, side=m.side),
    )
    return tuple((ref, layout.pool_group(pool_redegnet.STAGE.name, redegnet.key, pool_redegnet.GROUPS[ref.kind])) for ref in refs)


def _noise(
    recipe: Recipe, images: ImageSet, compression: Sealed[CompressionPoolManifest] | None, run: Run
) -> Sealed[NoisePoolManifest]:
    mined = run(mine_noise.STAGE, images, recipe.noise)
    compressed = compression.manifest.rows() if compression is not None else ()
    return run(pool_noise.STAGE, (mined.manifest, compressed), recipe.noise)


def _pools(
    kernels: Sealed[KernelPoolManifest] | None, noise: Sealed[NoisePoolManifest] | None,
    compression: Sealed[CompressionPoolManifest] | None, pdm: Sealed[PdmManifest] | None = None,
) -> tuple[tuple[PoolRef, str], ...]:  # fmt: skip
    pools: list[tuple[PoolRef, str]] = []
    if kernels is not None:
        k = kernels.manifest
        ref = PoolRef(kind="kernels", digest=k.digest, count=k.count, side=k.side)
        pools.append((ref, layout.pool_group(pool_kernels.STAGE.name, kernels.key)))
    if noise is not None:
        n = noise.manifest
        ref = PoolRef(kind="noise", digest=n.digest, count=n.count, side=n.patch)
        pools.append((ref, layout.pool_group(pool_noise.STAGE.name, noise.key)))
    if compression is not None and compression.manifest.digest is not None:
        c = compression.manifest
        ref = PoolRef(kind="compression", digest=compression.manifest.digest, count=c.count, side=8, share=c.share)
        pools.append((ref, layout.pool_group(pool_compression.STAGE.name, compression.key)))
    if pdm is not None:
        ref = PoolRef(kind="pdm", digest=pdm.manifest.digest, count=1, side=pdm.manifest.side)
        pools.append((ref, layout.pool_group(pool_pdm.STAGE.name, pdm.key)))
    return tuple(pools)


def _generated(generated: Sealed[GeneratedPoolManifest] | None) -> tuple[tuple[PoolRef, str], ...]:
    if generated is None:
        return ()
    g = generated.manifest
    ref = PoolRef(kind="generated_kernels", digest=g.digest, count=g.count, side=g.side)
    return ((ref, layout.pool_group(generate_kernels.STAGE.name, generated.key)),)

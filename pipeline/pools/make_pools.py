"""What degraders draw from: the stages that estimate, mine, generate and fit, and the pools that
come of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pairmill.pipeline.runner.stage import Run, Sealed, is_done, read_records
from pairmill.pipeline.stages import (
    estimate_kernels,
    fit_pdm,
    fit_redegnet,
    generate_kernels,
    ingest_pairs,
    mine_compression,
    mine_noise,
    pool_compression,
    pool_kernels,
    pool_noise,
    pool_pdm,
    pool_redegnet,
)
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.compression import CompressionPoolManifest
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders.pdm import PdmConfig as PdmDegrader
from pairmill.schemas.degraders.redegnet import RedegnetConfig as RedegnetDegrader
from pairmill.schemas.errors import UserError
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet, Role
from pairmill.schemas.kmsr import GenerateConfig, GeneratedPoolManifest
from pairmill.schemas.noise import NoisePoolManifest
from pairmill.schemas.pdm import PdmManifest
from pairmill.schemas.pool import (
    EstimateConfig,
    JudgedKernel,
    KernelEstimates,
    KernelPoolManifest,
    PoolKernelsConfig,
)
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.redegnet import FacePair, PairSet, RedegnetJudgeConfig, RedegnetManifest

Pools = tuple[tuple[PoolRef, str], ...]
"""Pools and the zarr groups that hold them."""


@dataclass(frozen=True, kw_only=True)
class PoolResults:
    """The sealed stages that a recipe's degraders draw from; none where no degrader does."""

    kernels: Sealed[KernelPoolManifest] | None = None
    generated: Sealed[GeneratedPoolManifest] | None = None
    noise: Sealed[NoisePoolManifest] | None = None
    compression: Sealed[CompressionPoolManifest] | None = None
    pdm: Sealed[PdmManifest] | None = None
    redegnet: Sealed[RedegnetManifest] | None = None
    pairs: tuple[FacePair, ...] = ()
    """What ReDegNet learned from."""


def gather(
    recipe: Recipe, images: ImageSet, hr: HrSet, base: str, run: Run, limit: int | None = None
) -> PoolResults:
    """Make what a recipe's degraders draw from.

    Raises:
        UserError: if a fit failed its gates and its degrader does not accept that; and what the
            stages raise.
    """
    kernels = make_kernels(recipe, images, run) if recipe.needs_kernels else None
    generated = (
        make_generated_kernels(recipe, kernels, run)
        if kernels is not None and recipe.needs_generated_kernels
        else None
    )
    compression = make_compression(recipe, images, run) if recipe.needs_compression else None
    noise = _noise(recipe, images, compression, run) if recipe.needs_noise else None
    pdm = make_pdm(recipe, images, hr, run) if recipe.needs_pdm else None
    _check_pdm(recipe, pdm)
    pairs = _pairs(recipe, base, run, limit) if recipe.needs_redegnet else None
    redegnet = _fitted(recipe, images, hr, pairs, base, run) if pairs is not None else None
    _check_redegnet(recipe, redegnet)
    return PoolResults(
        kernels=kernels,
        generated=generated,
        noise=noise,
        compression=compression,
        pdm=pdm,
        redegnet=redegnet,
        pairs=pairs.pairs if pairs is not None else (),
    )


def pools_of(supplies: PoolResults) -> Pools:
    """All pools, each with its zarr group, in the order that versions list them in."""
    pools: list[tuple[PoolRef, str]] = []
    if supplies.kernels is not None:
        k = supplies.kernels.manifest
        ref = PoolRef(kind="kernels", digest=k.digest, count=k.count, side=k.side)
        pools.append((ref, layout.pool_group(pool_kernels.STAGE.name, supplies.kernels.key)))
    if supplies.noise is not None:
        n = supplies.noise.manifest
        ref = PoolRef(kind="noise", digest=n.digest, count=n.count, side=n.patch)
        pools.append((ref, layout.pool_group(pool_noise.STAGE.name, supplies.noise.key)))
    if supplies.compression is not None and supplies.compression.manifest.digest is not None:
        c = supplies.compression.manifest
        ref = PoolRef(
            kind="compression",
            digest=supplies.compression.manifest.digest,
            count=c.count,
            side=8,
            share=c.share,
        )
        pools.append(
            (ref, layout.pool_group(pool_compression.STAGE.name, supplies.compression.key))
        )
    if supplies.pdm is not None:
        p = supplies.pdm.manifest
        ref = PoolRef(kind="pdm", digest=p.digest, count=1, side=p.side)
        pools.append((ref, layout.pool_group(pool_pdm.STAGE.name, supplies.pdm.key)))
    pools += redegnet_pools(supplies.redegnet)
    if supplies.generated is not None:
        g = supplies.generated.manifest
        ref = PoolRef(kind="generated_kernels", digest=g.digest, count=g.count, side=g.side)
        pools.append((ref, layout.pool_group(generate_kernels.STAGE.name, supplies.generated.key)))
    return tuple(pools)


def redegnet_pools(redegnet: Sealed[RedegnetManifest] | None) -> Pools:
    """SynNet and the representations as pools, and the zarr groups that hold them."""
    if redegnet is None:
        return ()
    m = redegnet.manifest
    refs = (
        PoolRef(kind="redegnet", digest=m.digest, count=1, side=m.side),
        PoolRef(kind="codes", digest=m.codes, count=m.count, side=m.side),
    )
    return tuple(
        (
            ref,
            layout.pool_group(
                pool_redegnet.STAGE.name, redegnet.key, pool_redegnet.GROUPS[ref.kind]
            ),
        )
        for ref in refs
    )


def make_kernels(recipe: Recipe, images: ImageSet, run: Run) -> Sealed[KernelPoolManifest]:
    """Estimate and pool kernels."""
    return run(pool_kernels.STAGE, *_to_judge(recipe, images, run))


def judged_kernels(
    recipe: Recipe, images: ImageSet, run: Run, storage: Storage
) -> list[JudgedKernel]:
    """The verdicts that were reached so far, in the order of the images, even if they let no pool
    be sealed.
    """
    units = pool_kernels.STAGE.units(*_to_judge(recipe, images, run))
    done = [unit for unit in units if is_done(storage, pool_kernels.STAGE.name, unit)]
    return read_records(pool_kernels.STAGE, done, storage)


def _to_judge(
    recipe: Recipe, images: ImageSet, run: Run
) -> tuple[tuple[ImageSet, KernelEstimates], PoolKernelsConfig]:
    estimates = run(
        estimate_kernels.STAGE, images, EstimateConfig(seed=recipe.seed, kernelgan=recipe.kernels)
    )
    return (images, estimates.manifest), PoolKernelsConfig(
        scale=recipe.scale, quality=recipe.kernel_quality
    )


def make_generated_kernels(
    recipe: Recipe, kernels: Sealed[KernelPoolManifest], run: Run
) -> Sealed[GeneratedPoolManifest]:
    """Generate kernels in the manner of a kernel pool."""
    inputs = generate_kernels.Inputs(
        kernels.manifest, layout.pool_group(pool_kernels.STAGE.name, kernels.key)
    )
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
    fitted = run(
        fit_pdm.STAGE,
        fit_pdm.Inputs(images, hr),
        fit_pdm.fit_config(recipe.seed, recipe.scale, recipe.pdm),
    )
    return run(pool_pdm.STAGE, fitted.manifest, recipe.pdm.gates)


def _check_pdm(recipe: Recipe, pdm: Sealed[PdmManifest] | None) -> None:
    """A fit that failed is drawn from only where the degrader says so."""
    wanted = any(
        isinstance(degrader, PdmDegrader) and not degrader.accept_failed
        for degrader in recipe.degraders
    )
    if pdm is not None and wanted and not pdm.manifest.verdict.accepted:
        raise pool_pdm.refused(pdm.manifest, recipe.pdm.gates)


def make_redegnet(
    recipe: Recipe, images: ImageSet, hr: HrSet, base: str, run: Run, limit: int | None = None
) -> Sealed[RedegnetManifest]:
    """Ingest pairs, fit ReDegNet and judge it.

    Raises:
        UserError: if the recipe has no pairs, or names files that are not there.
    """
    return _fitted(recipe, images, hr, _pairs(recipe, base, run, limit), base, run)


def _pairs(recipe: Recipe, base: str, run: Run, limit: int | None) -> PairSet:
    if recipe.images.pairs is None:
        raise UserError(
            "the recipe names no pairs",
            where="recipe key images.pairs",
            wanted="pairs: {lq: FOLDER, hq: FOLDER}",
        )
    return run(
        ingest_pairs.STAGE, ingest_pairs.find(recipe.images.pairs, base, limit), recipe.ingest
    ).manifest


def _fitted(
    recipe: Recipe, images: ImageSet, hr: HrSet, pairs: PairSet, base: str, run: Run
) -> Sealed[RedegnetManifest]:
    inputs = fit_redegnet.inputs(pairs, images, hr, recipe.redegnet, base)
    fitted = run(fit_redegnet.STAGE, inputs, fit_redegnet.fit_config(recipe.seed, recipe.redegnet))
    judging = RedegnetJudgeConfig(
        gates=recipe.redegnet.gates, specific=recipe.redegnet.use == "specific"
    )
    return run(pool_redegnet.STAGE, fitted.manifest, judging)


def _check_redegnet(recipe: Recipe, redegnet: Sealed[RedegnetManifest] | None) -> None:
    """A fit that failed is drawn from only where the degrader says so."""
    wanted = any(
        isinstance(degrader, RedegnetDegrader) and not degrader.accept_failed
        for degrader in recipe.degraders
    )
    if redegnet is not None and wanted and not redegnet.manifest.verdict.accepted:
        raise pool_redegnet.refused(redegnet.manifest, recipe.redegnet.gates)


def _noise(
    recipe: Recipe, images: ImageSet, compression: Sealed[CompressionPoolManifest] | None, run: Run
) -> Sealed[NoisePoolManifest]:
    config = recipe.noise.for_images(len(images.with_role(Role.REAL)))
    mined = run(mine_noise.STAGE, images, config)
    compressed = compression.manifest.rows() if compression is not None else ()
    return run(pool_noise.STAGE, (mined.manifest, compressed), config)

"""A build: the stages in order, whoever carries them."""

from __future__ import annotations

from collections.abc import Mapping

from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.build.select_images import NO_KEYS, ImageSelection, select_images
from pairmill.pipeline.pools.base import PoolResults, Pools
from pairmill.pipeline.pools.make_pools import gather, pools_of
from pairmill.pipeline.runner.stage import C, I, M, P, R, Run, Sealed, Stage, finished
from pairmill.pipeline.stages import clean_up, synthesize
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.hr import CutConfig, HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.shard import ShardSet, SynthesizeConfig


def limited(recipe: Recipe, limit: int | None) -> Recipe:
    """The recipe of a small run on `limit` images per role: the same path, another name."""
    return recipe if limit is None else recipe.with_(name=f"{recipe.name}-limit{limit}")


def make(
    recipe: Recipe,
    base: str,
    run: Run,
    limit: int | None = None,
    pinned: Pools | None = None,
    earlier: Mapping[str, str] = NO_KEYS,
    chosen: ImageSelection | None = None,
) -> BuildResult:
    """All stages up to the finished shards.

    Args:
        recipe: What to make.
        base: Folder that relative image patterns start at.
        run: Carries a stage.
        limit: Maximum number of images per role; none means all.
        pinned: Pools to draw from instead of estimating; see
            `pairmill.pipeline.build.pinned_pools`.
        earlier: Images of the version before and their split keys; see
            `pairmill.pipeline.build.previous_splits`.
        chosen: Images to take instead of choosing them.

    Raises:
        PairmillError: what the stages raise.
    """
    run = used = Noting(run)
    chosen = chosen or select_images(recipe, base, run, limit, earlier)
    images = chosen.images
    hr = _cut(recipe, images.manifest, run)
    results = (
        gather(recipe, images.manifest, hr.manifest, base, run, limit)
        if pinned is None
        else PoolResults()
    )
    pools = pools_of(results) if pinned is None else pinned
    shards = _synthesized(recipe, chosen, hr, pools, run)
    return BuildResult(
        **vars(results),
        recipe=recipe,
        images=images,
        chosen=chosen,
        hr=hr,
        pools=pools,
        shards=shards,
        versions=used.versions,
        used=used.keys,
    )


def _cut(recipe: Recipe, images: ImageSet, run: Run) -> Sealed[HrSet]:
    """The HR images, cut into tiles; none for a recipe of real pairs alone."""
    if not images.accepted:
        return Sealed("0" * 64, HrSet(images=()), 0, 0)
    return run(clean_up.STAGE, images, CutConfig(clean_up=recipe.clean_up, tiles=recipe.tiles))


def _synthesized(
    recipe: Recipe, chosen: ImageSelection, hr: Sealed[HrSet], pools: Pools, run: Run
) -> Sealed[ShardSet]:
    config = SynthesizeConfig(
        seed=recipe.seed,
        scale=recipe.scale,
        tile=recipe.tiles.size,
        samples_per_tile=recipe.samples_per_tile,
        degraders=recipe.degraders,
        pools=tuple(ref for ref, _ in pools),
        encoding=recipe.shards.encoding,
        lr=recipe.shards.lr,
    )
    groups = tuple(group for _, group in pools)
    images = chosen.images.manifest
    inputs = synthesize.Inputs(
        images, hr.manifest, groups, recipe.seed, recipe.splits, recipe.shards, chosen.split_keys
    )
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


def finder(storage: Storage) -> Run:
    """A `Run` that only finds sealed stages, and raises NotFinishedError where there is none."""

    def run(stage: Stage[I, C, P, R, M], inputs: I, config: C, /) -> Sealed[M]:
        sealed = finished(stage, inputs, config, storage)
        if sealed is None:
            raise NotFinishedError(stage.title)
        return sealed

    return run

"""ReDegNet, fitted to pairs: SynNet, which puts degradations on images."""

from __future__ import annotations

from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.learned import Charts, LearnedKind, Rows
from pairmill.pipeline.redegnet.files import check_sizes, patterns_of
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import fit_redegnet, ingest_pairs, pool_redegnet
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.redegnet import (
    CURVES,
    PairSet,
    RedegnetConfig,
    RedegnetJudgeConfig,
    RedegnetManifest,
    RedegnetMeasures,
)


class Redegnet(LearnedKind[RedegnetManifest]):
    """One checkpoint."""

    name = "redegnet"
    stage = pool_redegnet.STAGE
    repeatable = False  # the files of its pairs and of the weights that it began from are not kept
    title = "ReDegNet"
    noun = "pairs"
    caption = (
        "from above: restored HQ, real LQ, HQ with the pair's own degradation, HQ with the next "
        "pair's"
    )
    columns = CURVES
    files = (
        ("images", "grid-*.png (HQ, real LQ, made with its own representation, with another's)"),
        ("networks", f"{fit_redegnet.NETWORKS} (for redegnet.from_checkpoint)"),
    )
    fit_stage = fit_redegnet.STAGE
    gates = pool_redegnet.GATES

    def make(self, making: Making) -> Sealed[RedegnetManifest]:
        """Ingest pairs, fit and judge.

        Raises:
            UserError: if the recipe has no pairs, or names files that are not there.
        """
        config, pairs = making.recipe.redegnet, _pairs(making)
        making.pairs = pairs.pairs
        inputs = fit_redegnet.inputs(pairs, making.images, making.hr, config, making.base)
        fitted = making.run(
            fit_redegnet.STAGE, inputs, fit_redegnet.fit_config(making.recipe.seed, config)
        )
        judging = RedegnetJudgeConfig(gates=config.gates, specific=config.use == "specific")
        return making.run(pool_redegnet.STAGE, fitted.manifest, judging)

    def ref(self, manifest: RedegnetManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(kind=self.name, digest=manifest.digest, count=1, side=manifest.side)

    def section(self, recipe: Recipe) -> RedegnetConfig:
        """See `LearnedKind.section`."""
        return recipe.redegnet

    def rows(self, recipe: Recipe, measures: RedegnetMeasures) -> Rows:
        """See `LearnedKind.rows`."""
        config = recipe.redegnet
        return pool_redegnet.rows(measures, config.gates, specific=config.use == "specific")

    def charts(self, manifest: RedegnetManifest) -> Charts:
        """See `LearnedKind.charts`."""
        features: Charts = (("Features", "L1 of VGG-19", {"perceptual": "features"}),)
        return (
            ("Reconstruction", "L1 of values in [-1, 1]", {"pixel": "pixels"}),
            *(features if manifest.vgg else ()),
            ("Representations", "L1", {"same": "of one degradation on two images"}),
            ("Discriminator", "hinge loss", {"critic": "discriminator", "adversarial": "SynNet"}),
            ("Discriminator right", "share of images", {"accuracy": "right"}),
        )

    def heading(self, manifest: RedegnetManifest) -> str:
        """See `LearnedKind.heading`."""
        return f"ReDegNet {manifest.digest[:12]}, {manifest.count} degradations"


def _pairs(making: Making) -> PairSet:
    pairs = making.recipe.images.pairs
    if pairs is None:
        raise UserError(
            "the recipe names no pairs",
            where="recipe key images.pairs",
            wanted="pairs: {lq: FOLDER, hq: FOLDER}",
        )
    files = ingest_pairs.find(patterns_of(pairs), making.base, making.limit)
    found = making.run(ingest_pairs.STAGE, files, making.recipe.ingest).manifest
    check_sizes(found.pairs)
    return ingest_pairs.some(found, "images.pairs")


REDEGNET = Redegnet()

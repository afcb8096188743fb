"""Translators, fitted to the real images by one of five methods: one kind of pool each."""

from __future__ import annotations

from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.learned import Charts, LearnedKind, Rows
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import fit_translation, pool_translation
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.translation import AnyTranslation
from pairmill.schemas.translation_fit import (
    TranslationJudgeConfig,
    TranslationManifest,
    TranslationMeasures,
)

TITLES = {
    "dsgan": "DSGAN",
    "bulat": "Bulat et al.",
    "cincgan": "CinCGAN",
    "cyclesr": "CycleSR",
    "maeda": "Maeda",
}


class Translation(LearnedKind[TranslationManifest]):
    """One checkpoint."""

    stage = pool_translation.STAGE
    noun = "crops"
    caption = (
        "real LR above the line, LR drawn by the fit below; they need not show the same scenes"
    )
    files = (
        ("images", "grid-*.png (real above, drawn below)"),
        ("checkpoint", CHECKPOINT),
    )
    fit_stage = fit_translation.STAGE

    def __init__(self, method: str) -> None:
        self.method = method
        # What is a class's own elsewhere is an instance's here: five kinds share the class.
        self.name, self.title = method, TITLES[method]  # type: ignore[misc]
        self.gates = pool_translation.gates_of(method, self.title)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """See `LearnedKind.columns`."""
        from pairmill.models.translation.methods import METHODS

        found: tuple[str, ...] = METHODS[self.method].columns  # type: ignore[attr-defined]
        return found

    def make(self, making: Making) -> Sealed[TranslationManifest]:
        """Fit and judge.

        Raises:
            UserError: if a file of weights that the recipe names is not there.
        """
        recipe, settings = making.recipe, self.section(making.recipe)
        inputs = fit_translation.inputs(making.images, making.hr, settings, making.base)
        config = fit_translation.fit_config(recipe.seed, recipe.scale, settings)
        fitted = making.run(fit_translation.STAGE, inputs, config)
        judging = TranslationJudgeConfig(method=self.method, gates=settings.gates)
        return making.run(pool_translation.STAGE, fitted.manifest, judging)

    def ref(self, manifest: TranslationManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(kind=self.name, digest=manifest.digest, count=1, side=1)

    def section(self, recipe: Recipe) -> AnyTranslation:
        """See `LearnedKind.section`."""
        found: AnyTranslation = getattr(recipe, self.method)
        return found

    def rows(self, recipe: Recipe, measures: TranslationMeasures) -> Rows:
        """See `LearnedKind.rows`."""
        return pool_translation.rows(measures, self.section(recipe).gates)

    def charts(self, manifest: TranslationManifest) -> Charts:  # noqa: ARG002
        """See `LearnedKind.charts`."""
        shown = [name for name in self.columns if name != "accuracy"]
        judging = {
            name: name.replace("_", " ") for name in shown if name.startswith(("adv", "disc"))
        }
        others = {name: name.replace("_", " ") for name in shown if name not in judging}
        return (
            ("Adversaries", "losses, times their weights", judging),
            ("Other terms", "times their weights", others),
            ("Discriminator right", "share of places", {"accuracy": "right"}),
        )

    def heading(self, manifest: TranslationManifest) -> str:
        """See `LearnedKind.heading`."""
        return f"{self.title} {manifest.digest[:12]}, x{manifest.scale}"


TRANSLATIONS = tuple(Translation(method) for method in TITLES)

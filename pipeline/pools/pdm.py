"""PDM, fitted to the real images: draws kernels and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.learned import Charts, LearnedKind, Rows
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import fit_pdm, pool_pdm
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.pdm import CURVES, PdmConfig, PdmManifest, PdmMeasures
from pairmill.schemas.recipe import Recipe


class Pdm(LearnedKind[PdmManifest]):
    """One checkpoint."""

    name = "pdm"
    stage = pool_pdm.STAGE
    title = "PDM"
    noun = "crops"
    caption = (
        "real LR above the line, LR drawn by the fit below; they need not show the same scenes"
    )
    columns = CURVES
    files = (
        ("images", "grid-*.png (real above, drawn below)"),
        ("checkpoint", CHECKPOINT),
    )
    fit_stage = fit_pdm.STAGE
    gates = pool_pdm.GATES

    def make(self, making: Making) -> Sealed[PdmManifest]:
        """Fit and judge."""
        recipe = making.recipe
        inputs = fit_pdm.Inputs(making.images, making.hr)
        config = fit_pdm.fit_config(recipe.seed, recipe.scale, recipe.pdm)
        fitted = making.run(fit_pdm.STAGE, inputs, config)
        return making.run(pool_pdm.STAGE, fitted.manifest, recipe.pdm.gates)

    def ref(self, manifest: PdmManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(kind=self.name, digest=manifest.digest, count=1, side=manifest.side)

    def section(self, recipe: Recipe) -> PdmConfig:
        """See `LearnedKind.section`."""
        return recipe.pdm

    def rows(self, recipe: Recipe, measures: PdmMeasures) -> Rows:
        """See `LearnedKind.rows`."""
        return pool_pdm.rows(measures, recipe.pdm.gates)

    def charts(self, manifest: PdmManifest) -> Charts:  # noqa: ARG002
        """See `LearnedKind.charts`."""
        return (
            ("Losses", "least squares", {"adversarial": "degradation", "critic": "discriminator"}),
            ("Noise", "std, grey levels", {"noise": "drawn noise"}),
            ("Discriminator right", "share of patches", {"accuracy": "right"}),
        )

    def heading(self, manifest: PdmManifest) -> str:
        """See `LearnedKind.heading`."""
        return f"PDM {manifest.digest[:12]}, x{manifest.scale}"

    def drawn(self, storage: Storage, manifest: PdmManifest) -> NDArray[np.floating[Any]]:
        """See `LearnedKind.drawn`."""
        return read_npy(storage, f"{self.unit(manifest)}/{fit_pdm.KERNELS}")


PDM = Pdm()

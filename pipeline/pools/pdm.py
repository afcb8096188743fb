"""PDM, fitted to the real images: draws kernels and noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.pools.base import Making, PoolKind
from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.pools.learned import Charts, LearnedKind, Rows
from pairmill.pipeline.pools.noise import NOISE
from pairmill.pipeline.pools.noise_levels import NOISE_LEVELS
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import fit_pdm, pool_pdm
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.stages.pdm_start import StartRef
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import UserError
from pairmill.schemas.groups import PhotographGroups
from pairmill.schemas.pdm import CURVES, PdmConfig
from pairmill.schemas.pdm_fit import PdmManifest, PdmMeasures
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
        inputs = fit_pdm.Inputs(making.images, making.hr, self._measured(making))
        config = fit_pdm.fit_config(recipe.seed, recipe.scale, recipe.pdm)
        fitted = making.run(fit_pdm.STAGE, inputs, config)
        return making.run(pool_pdm.STAGE, fitted.manifest, recipe.pdm.gates)

    def _measured(self, making: Making) -> StartRef | None:
        """The pools that say where to start.

        Raises:
            UserError: if the camera cannot be measured.
        """
        if making.recipe.pdm.start_from == "nothing":
            return None
        kinds: tuple[PoolKind[Any], ...] = (KERNELS, NOISE, NOISE_LEVELS, COMPRESSION)
        try:
            made = [making.of(kind) for kind in kinds]
        except UserError as error:
            raise UserError(
                error.what,
                where=error.where,
                got=error.got,
                wanted=error.wanted,
                todo=f"{error.todo}; or set pdm.start_from: nothing, to learn without it",
            ) from error
        if not made[1].manifest.count:
            raise UserError(
                "no patch of the real images is flat enough to show their noise",
                where="recipe key pdm.start_from",
                got="a start from what is measured, noise too",
                todo="set noise.patch to a smaller number; or set pdm.start_from: nothing, to "
                "learn without it",
            )
        pools = tuple(
            pool for kind, one in zip(kinds, made, strict=True) for pool in kind.pools(one)
        )
        return StartRef(
            pools=tuple(ref for ref, _ in pools),
            places=tuple(place for _, place in pools),
            cameras=_cameras(making.groups, KERNELS.photographs(made[0].manifest)),
            patches=_cameras(making.groups, NOISE.photographs(made[1].manifest)),
            noise=made[2].manifest.groups,
        )

    def ref(self, manifest: PdmManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(
            kind=self.name,
            digest=manifest.digest,
            count=1,
            side=manifest.side,
            codec=manifest.codec,
        )

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


def _cameras(groups: PhotographGroups, photographs: Sequence[str]) -> tuple[int, ...]:
    """The number of the camera of each. LR of real pairs (`kernels.from_pairs`) is in no group, and
    there is but one camera then.
    """
    if not groups.several:
        return (0,) * len(photographs)
    return tuple(groups.number_of[one] for one in photographs)


PDM = Pdm()

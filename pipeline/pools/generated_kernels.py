"""New kernels in the manner of the estimated ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.kmsr.geometry import cores, finished
from pairmill.models.kmsr.mixture import mixtures
from pairmill.pipeline.html.pictures import heat
from pairmill.pipeline.pools.base import Image, Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.pools.items import Placing, PoolItems, placeholder
from pairmill.pipeline.pools.kernels import KERNELS, gaussians
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import generate_kernels
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.kmsr import GenerateConfig, GeneratedPoolManifest

MIXED = 16
"""Kernels that stand in for generated ones."""
COLUMNS = ("kernels", "width", "its std", "anisotropy", "differ")


class GeneratedKernels(PoolKind[GeneratedPoolManifest]):
    """Rows of (k, k) float64."""

    name = "generated_kernels"
    stage = generate_kernels.STAGE
    origin = "Made in the manner of the kernels of"
    fitted = True

    def make(self, making: Making) -> Sealed[GeneratedPoolManifest]:
        """Generate kernels in the manner of the kernel pool."""
        recipe, kernels = making.recipe, making.of(KERNELS)
        [(_, group)] = KERNELS.pools(kernels)
        config = GenerateConfig(seed=recipe.seed, kmsr=recipe.kmsr, quality=recipe.kernel_quality)
        inputs = generate_kernels.Inputs(kernels.manifest, group)
        return making.run(generate_kernels.STAGE, inputs, config)

    def ref(self, manifest: GeneratedPoolManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(
            kind=self.name, digest=manifest.digest, count=manifest.count, side=manifest.side
        )

    def counts(self, manifest: GeneratedPoolManifest) -> dict[str, int]:
        """See `PoolKind.counts`."""
        return {"generated_kernels": manifest.count}

    def tables(self, showing: Showing[GeneratedPoolManifest]) -> list[PoolTable]:
        """How alike generated and estimated kernels are."""
        if showing.sealed is None:
            return []
        pool, made = showing.sealed.manifest, showing.sealed.manifest.made
        spreads = [("the pool, turned and flipped", made.pool), ("generated", made.generated)]
        rows = [
            (name, *(f"{v:.2f}" for v in (s.width, s.width_std, s.anisotropy, s.distance)))
            for name, s in spreads
            if s
        ]
        title = (
            f"generated kernels {pool.digest[:12]}: {pool.count} of {made.drawn} drawn by "
            f"{pool.method}, x{pool.scale}"
        )
        rejected = ", ".join(f"{count} {reason}" for reason, count in made.rejected.items())
        place = self.place(showing.storage, showing.sealed)
        notes = (f"  rejected {rejected or 'none'}", f"  pool     {place}\n")
        return [PoolTable(title, COLUMNS, rows, notes)]

    def placeholder(self, placing: Placing) -> PoolItems:
        """Mixtures of the kernels at hand."""
        kernels = placing.found.get(KERNELS.name) or gaussians(placing.recipe.scale)
        return mixed(kernels, placing.recipe.scale)

    def picture(self, item: NDArray[Any]) -> Image:
        """A heat map."""
        return heat(np.asarray(item, np.float64))


def mixed(kernels: PoolItems, scale: int) -> PoolItems:
    """Mixtures of rotated and flipped kernels, which stand in for those of a generator."""
    made = mixtures(cores(kernels.items, scale), MIXED, 2, stream("preview", "mixtures"))
    note = "mixtures of two kernels of the pool. No generator is fitted yet; the build does that."
    items = np.stack([finished(core, scale) for core in made])
    return placeholder(GeneratedKernels.name, items, note)


GENERATED_KERNELS = GeneratedKernels()

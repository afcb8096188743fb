"""Kernels that were estimated on the real images and passed the checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import (
    SIZES,
    gaussian_kernel,
    on_grey,
    target_centre,
    to_fixed_point,
)
from pairmill.pipeline.html.pictures import heat
from pairmill.pipeline.kernels.varying import ONE_CHANNEL, ONE_FIELD, PLACES
from pairmill.pipeline.pools.aligned import registered_pairs
from pairmill.pipeline.pools.base import Image, Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.pools.items import Placing, PoolItems, placeholder
from pairmill.pipeline.pools.photographs import measured_photographs, varying_of
from pairmill.pipeline.runner.stage import Sealed, is_done, read_records
from pairmill.pipeline.stages import (
    describe_scenes,
    estimate_cameras,
    estimate_fkp,
    estimate_kernels,
    fit_fkp,
    pool_kernels,
)
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.aligned import AlignedRef
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import UserError
from pairmill.schemas.fkp import FlowConfig
from pairmill.schemas.image import Role
from pairmill.schemas.kernel import (
    DipFkpConfig,
    KernelGanConfig,
    KernelGanFkpConfig,
    SpectralKernelsConfig,
)
from pairmill.schemas.pool import (
    CameraConfig,
    CameraEstimates,
    EstimateConfig,
    FkpConfig,
    JudgedKernel,
    KernelEstimates,
    KernelPoolManifest,
    MeasuredPhotographs,
    PoolKernelsConfig,
    SceneConfig,
)
from pairmill.schemas.recipe import Recipe

SPREADS = ((0.45, 0.45), (0.6, 0.6), (0.75, 0.75), (0.45, 0.75), (0.5, 0.9))
"""Widths of the Gaussians that stand in for kernels, along both axes, in LR pixels."""
COLUMNS = ("image", "verdict", "width px", "error", "lobes", "mismatch dB")
"""`error` is what is expected of it; of KernelGAN, how far its restarts differ."""


class Kernels(PoolKind[KernelPoolManifest]):
    """Rows of (k, k) float64, or of (3, k, k), a plane for each channel."""

    name = "kernels"
    stage = pool_kernels.STAGE
    origin = "Estimated from"
    fitted = True
    companions = ("generated_kernels",)

    def make(self, making: Making) -> Sealed[KernelPoolManifest]:
        """Estimate and judge."""
        return making.run(pool_kernels.STAGE, *_to_judge(making))

    def ref(self, manifest: KernelPoolManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(
            kind=self.name, digest=manifest.digest, count=manifest.count, side=manifest.side
        )

    def photographs(self, manifest: KernelPoolManifest) -> tuple[str, ...]:
        """See `PoolKind.photographs`."""
        return manifest.kernels

    def counts(self, manifest: KernelPoolManifest) -> dict[str, int]:
        """See `PoolKind.counts`."""
        rejected = sum(not record.verdict.accepted for record in manifest.judged)
        return {"kernels": manifest.count, "kernels_rejected": rejected}

    def tables(self, showing: Showing[KernelPoolManifest]) -> list[PoolTable]:
        """The verdicts on all images, even if they let no pool be sealed."""
        judged = judged_kernels(showing.making, showing.storage)
        if not judged:
            return []
        rows = [_row(showing.name(record.image), record) for record in judged]
        rejections = [
            f"  {showing.name(record.image)}: {record.verdict.detail}"
            for record in judged
            if not record.verdict.accepted
        ]
        title, note = self._said(showing, judged)
        notes = (*rejections, *_over_field(judged), f"  {note}\n")
        return [PoolTable(title, COLUMNS, rows, notes)]

    def _said(
        self, showing: Showing[KernelPoolManifest], judged: Sequence[JudgedKernel]
    ) -> tuple[str, str]:
        """Title and last line of the table: what pool the verdicts gave, or why there is none."""
        accepted = sum(record.verdict.accepted for record in judged)
        said = f"{accepted} of {len(judged)} accepted, x{showing.making.recipe.scale}"
        if showing.sealed is not None:
            place = self.place(showing.storage, showing.sealed)
            digest = showing.sealed.manifest.digest
            return f"kernel pool {digest[:12]}: {said}", f"pool     {place}"
        config = _pool_config(showing.making.recipe)
        nearest = "" if accepted else pool_kernels.nearest_thresholds(judged, config)
        todo = nearest.removesuffix("; or ") or "the build that judges the rest goes on here"
        return f"no kernel pool: {said}", todo

    def placeholder(self, placing: Placing) -> PoolItems:
        """Gaussians."""
        return gaussians(placing.recipe.scale)

    def picture(self, item: NDArray[Any]) -> Image:
        """A heat map."""
        return heat(on_grey(np.asarray(item, np.float64)))

    def facts(self, columns: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Its place in the field, and its width and support as measured on the x2 kernel."""
        if int(columns.get("cell", -1)) >= 0:
            yield "cell of the field", PLACES[int(columns["cell"])]
        if "width" in columns:
            yield "width (×2)", f"{float(columns['width']):.2f} px"
            yield "spreads a point over (×2)", f"{float(columns['support']):.1f} px"


def judged_kernels(making: Making, storage: Storage) -> list[JudgedKernel]:
    """The verdicts that were reached so far, in the order of the images."""
    units = pool_kernels.STAGE.units(*_to_judge(making))
    done = [unit for unit in units if is_done(storage, pool_kernels.STAGE.name, unit)]
    return read_records(pool_kernels.STAGE, done, storage)


def _to_judge(making: Making) -> tuple[pool_kernels.Inputs, PoolKernelsConfig]:
    config = _pool_config(making.recipe)
    return pool_kernels.Inputs(making.images, _estimates(making), _pairs(making)), config


def _estimates(making: Making) -> KernelEstimates | pool_kernels.Spectral:
    settings = making.recipe.kernels
    if isinstance(settings, KernelGanConfig):
        alone = settings.with_(from_pairs=False)
        config = EstimateConfig(seed=making.recipe.seed, kernelgan=alone)
        return making.run(estimate_kernels.STAGE, making.images, config).manifest
    if isinstance(settings, KernelGanFkpConfig | DipFkpConfig):
        return estimates_with_flow(making, settings)
    return pool_kernels.Spectral(*cameras_of(making, settings))


def estimates_with_flow(
    making: Making, settings: KernelGanFkpConfig | DipFkpConfig
) -> KernelEstimates:
    """x2 kernels of all photographs, with a flow that is fitted first, if it was not."""
    flow = making.run(fit_fkp.STAGE, None, FlowConfig(scale=2, fit=settings.flow)).manifest
    alone = settings.with_(from_pairs=False)
    config = FkpConfig(seed=making.recipe.seed, settings=alone, flow=flow)
    return making.run(estimate_fkp.STAGE, making.images, config).manifest


def _pairs(making: Making) -> tuple[AlignedRef, ...]:
    """The real pairs that show a kernel, where the recipe asks for them.

    Raises:
        UserError: if the real images are several groups: nothing says which of them a pair is of.
    """
    if not making.recipe.kernels.from_pairs:
        return ()
    if making.groups.several:
        raise UserError(
            "kernels of real pairs belong to one camera, and the real images are of several",
            where="recipe key kernels.from_pairs",
            got=", ".join(group.name for group in making.groups.groups),
            wanted="one group",
            todo="set groups: {by: one}, or name the photographs of one camera only",
        )
    return tuple(ref for ref in registered_pairs(making).used if ref.pair.kernel)


def cameras_of(
    making: Making, settings: SpectralKernelsConfig
) -> tuple[MeasuredPhotographs, CameraEstimates]:
    """Spectra of all photographs, and the cameras that took them."""
    measured = measured_photographs(making.recipe, making.images, making.run)
    scale, scenes = making.recipe.scale, None
    if making.images.with_role(Role.CLEAN):
        scenes = making.run(describe_scenes.STAGE, making.images, SceneConfig(scale=scale)).manifest
    groups = [group.photographs for group in making.groups.groups]
    if settings.method == "spectral":
        groups = [(image,) for group in groups for image in group]
    inputs = estimate_cameras.Inputs(groups, measured, scenes)
    config = CameraConfig(scale=scale, **varying_of(settings))
    cameras = making.run(estimate_cameras.STAGE, inputs, config).manifest
    return measured, cameras


def _pool_config(recipe: Recipe) -> PoolKernelsConfig:
    return PoolKernelsConfig(
        scale=recipe.scale,
        quality=recipe.kernel_quality,
        method=recipe.kernels.method,
        **varying_of(recipe.kernels),
    )


def _over_field(judged: Sequence[JudgedKernel]) -> list[str]:
    """What became of the field and of channels, if they were asked for."""
    said = [
        f"  {words}"
        for words in (ONE_FIELD, ONE_CHANNEL)
        if any(words in record.verdict.detail for record in judged)
    ]
    cells = [len(record.cells) for record in judged if record.cells]
    if cells:
        total = len(PLACES) * len(cells)
        lost = f"; {total - sum(cells)} cells break a rule" if sum(cells) < total else ""
        said.append(f"  {sum(cells)} kernels at cells of the field{lost}")
    return said


def _row(name: str, record: JudgedKernel) -> list[str]:
    verdict = "accepted" if record.verdict.accepted else str(record.verdict.reason)
    d = record.verdict.diagnostics
    if d is None:
        return [name, verdict, "", "", "", ""]
    sure = d.error if d.error is not None else d.disagreement
    shape = f"{100 * d.negative:.0f} %"
    return [
        name,
        verdict,
        f"{d.width:.2f}",
        _or_dash(sure, ".2f"),
        shape,
        _or_dash(d.mismatch, ".1f"),
    ]


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def gaussians(scale: int) -> PoolItems:
    """Kernels of some plausible widths, centred."""
    size = SIZES.get(scale, 4 * scale + 1)
    centre = target_centre(size, scale)
    kernels = [
        gaussian_kernel(size, scale * wide, scale * narrow, 0.6 * number, centre)
        for number, (wide, narrow) in enumerate(SPREADS)
    ]
    note = (
        "Gaussians. The kernels of the real images are not estimated yet; the build does that, or "
        "`pairmill pool kernels`."
    )
    return placeholder(Kernels.name, np.stack([to_fixed_point(k) for k in kernels]), note)


KERNELS = Kernels()

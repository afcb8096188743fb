"""Learned degradations: losses, the trend of the AUC, pictures of the checks, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.functional.kernels import target_centre
from pipeline import layout
from pipeline.report.pictures import strip
from pipeline.report.shelf import Shelf
from pipeline.stages import fit_pdm, fit_redegnet, pool_pdm, pool_redegnet
from pipeline.stages.payload import read_npy
from pipeline.storage import Storage
from schemas import pdm as pdm_schema
from schemas import redegnet as redegnet_schema
from schemas.fits import CurveView, FitsSection, FitView

if TYPE_CHECKING:
    from pipeline.corpora.seal import Made

POINTS = 80
"""Most points of a curve."""
KERNELS = 16
"""Kernels that are shown."""
Charts = tuple[tuple[str, str, Mapping[str, str]], ...]
"""Title, unit, and by column of the curves the name to show."""
PDM_CHARTS: Charts = (
    ("Losses", "least squares", {"adversarial": "degradation", "critic": "discriminator"}),
    ("Noise", "std, grey levels", {"noise": "drawn noise"}),
    ("Discriminator right", "share of patches", {"accuracy": "right"}),
)
REDEGNET_CHARTS: Charts = (
    ("Reconstruction", "L1 of values in [-1, 1]", {"pixel": "pixels"}),
    ("Features", "L1 of VGG-19", {"perceptual": "features"}),
    ("Representations", "L1", {"same": "of one degradation on two pictures"}),
    ("Discriminator", "hinge loss", {"critic": "discriminator", "adversarial": "SynNet"}),
    ("Discriminator right", "share of pictures", {"accuracy": "right"}),
)


def collect_fits(storage: Storage, made: Made, shelf: Shelf) -> FitsSection | None:
    """Describe the fits of this build; none if there is none."""
    found = [view for view in (_pdm(storage, made, shelf), _redegnet(storage, made, shelf)) if view is not None]
    return FitsSection(fits=tuple(found)) if found else None


def _pdm(storage: Storage, made: Made, shelf: Shelf) -> FitView | None:
    if made.pdm is None:
        return None
    manifest, config = made.pdm.manifest, made.recipe.pdm
    measures = manifest.verdict.measures
    unit = _Unit(storage, fit_pdm.STAGE.name, manifest.unit, config.batch, shelf, "pdm")
    kernels = strip(middle(read_npy(storage, unit.file(fit_pdm.KERNELS)), manifest.scale)[:KERNELS], KERNELS // 2)
    return FitView(
        name="PDM", noun="crops", reasons=tuple(manifest.verdict.reasons),
        advice="" if manifest.verdict.accepted else pool_pdm.refused(manifest, config.gates).todo,
        samples=unit.samples, kept=measures.kept if measures else unit.samples, stopped=unit.samples < config.samples,
        rows=tuple(pool_pdm.rows(measures, config.gates)) if measures else (),
        aucs=_trend(measures.aucs if measures else (), unit.checks), charts=unit.charts(pdm_schema.CURVES, PDM_CHARTS),
        first=unit.first(), picture=unit.picture(measures.kept if measures else unit.samples),
        caption="real LR above the line, LR drawn by the fit below; they need not show the same scenes",
        kernels=shelf.png("fit-pdm-kernels", kernels),
    )  # fmt: skip


def _redegnet(storage: Storage, made: Made, shelf: Shelf) -> FitView | None:
    if made.redegnet is None:
        return None
    manifest, config = made.redegnet.manifest, made.recipe.redegnet
    measures = manifest.verdict.measures
    unit = _Unit(storage, fit_redegnet.STAGE.name, manifest.unit, config.batch, shelf, "redegnet")
    rows = pool_redegnet.rows(measures, config.gates, specific=config.use == "specific") if measures else []
    charts = tuple(chart for chart in REDEGNET_CHARTS if manifest.vgg or "perceptual" not in chart[2])
    return FitView(
        name="ReDegNet", noun="pairs", reasons=tuple(manifest.verdict.reasons),
        advice="" if manifest.verdict.accepted else pool_redegnet.refused(manifest, config.gates).todo,
        samples=unit.samples, kept=measures.kept if measures else unit.samples, stopped=unit.samples < config.samples,
        rows=tuple(rows), aucs=_trend(measures.aucs if measures else (), unit.checks),
        charts=unit.charts(redegnet_schema.CURVES, charts), first=unit.first(),
        picture=unit.picture(measures.kept if measures else unit.samples),
        caption="from above: restored HQ, real LQ, HQ with the pair's own degradation, HQ with the next pair's", kernels="",
    )  # fmt: skip


def middle(kernels: NDArray[np.floating[Any]], scale: int) -> NDArray[np.floating[Any]]:
    """The smallest square around the centre of (N, k, k) kernels that holds 99 % of their mass."""
    side = kernels.shape[1]
    centre = round(target_centre(side, scale))
    for half in range(2, side):
        part = kernels[:, max(0, centre - half) : centre + half + 1, max(0, centre - half) : centre + half + 1]
        if float(part.sum()) >= 0.99 * float(kernels.sum()):
            return part
    return kernels


class _Unit:
    """The files that a fit has left."""

    def __init__(self, storage: Storage, stage: str, key: str, batch: int, shelf: Shelf, stem: str) -> None:
        self.storage, self.folder, self.batch, self.shelf, self.stem = storage, layout.unit_folder(stage, key), batch, shelf, stem
        self.curves: NDArray[np.float64] = read_npy(storage, self.file(fit_pdm.LOSSES))
        self.samples = batch * len(self.curves)
        names = sorted(name for name in storage.names(self.folder) if name.startswith("grid-"))
        self.checks = [int(name.removeprefix("grid-").removesuffix(".png")) for name in names]

    def file(self, name: str) -> str:
        """Where a file of the unit lies."""
        return f"{self.folder}/{name}"

    def charts(self, columns: Sequence[str], wanted: Charts) -> tuple[tuple[str, str, tuple[CurveView, ...]], ...]:
        """The charts, each curve in at most `POINTS` means."""
        return tuple(
            (title, unit, tuple(CurveView(name=shown, points=self._points(columns.index(name))) for name, shown in names.items()))
            for title, unit, names in wanted
        )  # fmt: skip

    def _points(self, column: int) -> tuple[tuple[float, float], ...]:
        parts = np.array_split(np.arange(len(self.curves)), min(POINTS, len(self.curves)))
        seen = (self.batch * (float(part.mean()) + 1) for part in parts)
        means = (float(self.curves[part, column].mean()) for part in parts)
        return tuple((round(x, 1), float(f"{np.nan_to_num(y):.4g}")) for x, y in zip(seen, means, strict=True))

    def first(self) -> str:
        """The picture of the first check, if there are others."""
        return self.picture(self.checks[0]) if len(self.checks) > 1 else ""

    def picture(self, samples: int) -> str:
        """The picture of a check, copied beside the page."""
        data = np.frombuffer(self.storage.read(self.file(layout.fit_picture(samples))), np.uint8)
        image = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return self.shelf.png(f"fit-{self.stem}-{samples}", np.asarray(image, np.uint8))


def _trend(aucs: Sequence[float | None], checks: Sequence[int]) -> tuple[tuple[float, float], ...]:
    return tuple((float(at), value) for at, value in zip(checks, aucs, strict=False) if value is not None)

"""Learned degradations: losses, the trend of the AUC, images of the checks, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import target_centre
from pairmill.pipeline.html.charts import lines
from pairmill.pipeline.html.markup import Raw, el, figure, join, number, section, table
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import strip
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.learned import Charts, LearnedKind
from pairmill.pipeline.stages.learned_fit import LOSSES
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.fits import CurveView, FitsSection, FitView
from pairmill.schemas.recipe import Recipe

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult

POINTS = 80
"""Most points of a curve."""
KERNELS = 16
"""Kernels that are shown."""


def collect_fits(
    storage: Storage, made: BuildResult, picture_files: PictureFiles
) -> FitsSection | None:
    """Describe the fits of this build; none if there is none."""
    learned = [kind for kind in POOLS.values() if isinstance(kind, LearnedKind)]
    found = [
        _view(kind, sealed.manifest, storage, made.recipe, picture_files)
        for kind in learned
        if (sealed := kind.of(made)) is not None
    ]
    if found:
        return FitsSection(fits=tuple(found))
    return None


def _view(
    kind: LearnedKind[Any],
    manifest: Any,
    storage: Storage,
    recipe: Recipe,
    picture_files: PictureFiles,
) -> FitView:
    section, verdict = kind.section(recipe), kind.verdict(manifest)
    unit = _Unit(storage, kind.unit(manifest), section.batch, picture_files, kind.name)
    measures = verdict.measures
    kept = measures.kept if measures else unit.samples
    return FitView(
        name=kind.title,
        noun=kind.noun,
        reasons=tuple(verdict.reasons),
        advice=kind.advice(recipe, manifest),
        samples=unit.samples,
        kept=kept,
        stopped=unit.samples < section.samples,
        rows=tuple(kind.measured(recipe, manifest)),
        aucs=_trend(measures.aucs if measures else (), unit.checks),
        charts=unit.charts(kind.columns, kind.charts(manifest)),
        first=unit.first(),
        picture=unit.picture(kept),
        caption=kind.caption,
        kernels=_drawn(kind, manifest, storage, picture_files),
    )


def _drawn(
    kind: LearnedKind[Any], manifest: Any, storage: Storage, picture_files: PictureFiles
) -> str:
    """Name of an image of the kernels that the fit draws; empty if it draws none."""
    kernels = kind.drawn(storage, manifest)
    if kernels is None:
        return ""
    shown = middle(kernels, manifest.scale)[:KERNELS]
    return picture_files.png(f"fit-{kind.name}-kernels", strip(shown, KERNELS // 2))


def middle(kernels: NDArray[np.floating[Any]], scale: int) -> NDArray[np.floating[Any]]:
    """The smallest square around the centre of (N, k, k) kernels that holds 99 % of their mass."""
    side = kernels.shape[1]
    centre = round(target_centre(side, scale))
    for half in range(2, side):
        part = kernels[
            :, max(0, centre - half) : centre + half + 1, max(0, centre - half) : centre + half + 1
        ]
        if float(part.sum()) >= 0.99 * float(kernels.sum()):
            return part
    return kernels


class _Unit:
    """The files that a fit has left."""

    def __init__(
        self, storage: Storage, folder: str, batch: int, picture_files: PictureFiles, stem: str
    ) -> None:
        self.storage, self.folder = storage, folder
        self.batch, self.picture_files, self.stem = batch, picture_files, stem
        self.curves: NDArray[np.float64] = read_npy(storage, self.file(LOSSES))
        self.samples = batch * len(self.curves)
        names = sorted(name for name in storage.names(self.folder) if name.startswith("grid-"))
        self.checks = [int(name.removeprefix("grid-").removesuffix(".png")) for name in names]

    def file(self, name: str) -> str:
        """Where a file of the unit lies."""
        return f"{self.folder}/{name}"

    def charts(
        self, columns: Sequence[str], wanted: Charts
    ) -> tuple[tuple[str, str, tuple[CurveView, ...]], ...]:
        """The charts, each curve in at most `POINTS` means; without terms that the fit has not,
        which are 0 throughout.
        """
        there = {name for name, column in zip(columns, self.curves.T, strict=False) if column.any()}
        charts = []
        for title, unit, names in wanted:
            curves = tuple(
                CurveView(name=shown, points=self._points(columns.index(name)))
                for name, shown in names.items()
                if name in there
            )
            charts.append((title, unit, curves))
        return tuple(chart for chart in charts if chart[2])

    def _points(self, column: int) -> tuple[tuple[float, float], ...]:
        parts = np.array_split(np.arange(len(self.curves)), min(POINTS, len(self.curves)))
        seen = (self.batch * (float(part.mean()) + 1) for part in parts)
        means = (float(self.curves[part, column].mean()) for part in parts)
        return tuple(
            (round(x, 1), float(f"{np.nan_to_num(y):.4g}"))
            for x, y in zip(seen, means, strict=True)
        )

    def first(self) -> str:
        """The image of the first check, if there are others."""
        if len(self.checks) > 1:
            return self.picture(self.checks[0])
        return ""

    def picture(self, samples: int) -> str:
        """The image of a check, copied next to the page."""
        data = np.frombuffer(self.storage.read(self.file(layout.fit_picture(samples))), np.uint8)
        image = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return self.picture_files.png(f"fit-{self.stem}-{samples}", np.asarray(image, np.uint8))


def _trend(aucs: Sequence[float | None], checks: Sequence[int]) -> tuple[tuple[float, float], ...]:
    return tuple(
        (float(at), value) for at, value in zip(checks, aucs, strict=False) if value is not None
    )


LEAD = (
    "Degradations learned from the real images. At regular checks of a fit, classifiers try to "
    "distinguish generated patches from real ones, on images that they were not trained on: an AUC "
    "of 0.5 is guessing. The corpus uses the fit as it was at the marked check."
)


def fits_html(found: FitsSection) -> Raw:
    """One part per fit."""
    return section(
        "fits", "Learned degradations", LEAD, *(_fit(view) for view in found.fits), folded=True
    )


def _fit(view: FitView) -> Raw:
    if not view.reasons:
        tag = el("span", "accepted", class_="tag")
    else:
        tag = el("span", ", ".join(view.reasons), class_="tag bad")
    advice = None
    if view.advice:
        advice = el("p", f"To fix it: {view.advice}.", class_="quiet small")
    charts = [_auc(view), *(_losses(view, *chart) for chart in view.charts)]
    body = [list(row) for row in view.rows]
    measured = None
    if body:
        measured = table(
            ("measured at that check", "value", "accepted if"), body, f"Measures of {view.name}"
        )
    return el(
        "div",
        el("h3", view.name, " ", tag),
        el("p", _sentence(view), class_="quiet"),
        advice,
        _pictures(view),
        el("div", *charts, class_="charts"),
        measured,
        class_="learned",
    )


def _sentence(view: FitView) -> str:
    if not view.samples:
        return (
            "Nothing was learned: there were too few images to measure an AUC. The corpus uses "
            "what was measured without learning."
        )
    end = ""
    if view.stopped:
        end = " and stopped early, when the AUC no longer fell"
    if view.kept == view.samples:
        sealed = "its last check"
    else:
        sealed = f"the check after {number(view.kept)}"
    return f"The fit saw {number(view.samples)} {view.noun}{end}. The corpus uses {sealed}."


def _pictures(view: FitView) -> Raw:
    if view.first and view.first != view.picture:
        shown = [(view.first, "First check")]
    else:
        shown = []
    shown.append((view.picture, f"Check that is used, after {number(view.kept)} {view.noun}"))
    pictures = [_picture(name, title, view.caption) for name, title in shown]
    if view.kernels:
        image = el(
            "img",
            src=view.kernels,
            alt="kernels that the fit draws",
            class_="pixels wide",
            loading="lazy",
        )
        pictures.append(
            figure(
                image, "Drawn kernels", "their middle, in HR pixels, each scaled to its own peak"
            )
        )
    return el("div", *pictures, class_="checks")


def _picture(name: str, title: str, caption: str) -> Raw:
    return figure(
        el("img", src=name, alt=f"{title}: {caption}", class_="pixels wide", loading="lazy"),
        title,
        caption,
    )


def _auc(view: FitView) -> Raw:
    if not view.aucs:
        return figure(
            el("p", "Not measured: there are too few images.", class_="quiet"),
            "AUC at the checks",
        )
    last = max(view.samples, view.aucs[-1][0])
    series = [
        ("distinguished from real", view.aucs),
        ("guessing", ((0.0, 0.5), (float(last), 0.5))),
    ]
    low = min(0.45, *(value for _, value in view.aucs))
    alt = "AUC at the checks: " + ", ".join(
        f"{value:.2f} after {number(at)}" for at, value in view.aucs
    )
    marked = [at for at, _ in view.aucs if at == view.kept]
    chart = lines(series, (0, last), f"{view.noun} seen", "AUC", alt, floor=low, marked=marked)
    return figure(chart, "AUC at the checks", "the filled point is the check that is used")


def _losses(view: FitView, title: str, unit: str, curves: tuple[CurveView, ...]) -> Raw:
    series = [(curve.name, curve.points) for curve in curves]
    alt = f"{title} over the fit: {join([curve.name for curve in curves], ', ')}"
    return figure(
        lines(series, (0, view.samples), f"{view.noun} seen", unit, alt),
        title,
        "means over parts of the fit",
    )

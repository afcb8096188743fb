"""The kernel pool, and every verdict on an estimate."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import on_grey, target_centre
from pairmill.pipeline.html.charts import Row, bars, cross, rows
from pairmill.pipeline.html.markup import (
    Raw,
    counted,
    definitions,
    el,
    figure,
    fold,
    join,
    number,
    section,
    titled,
)
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import heat, strip
from pairmill.pipeline.html.text import plain
from pairmill.pipeline.report.pool_rows import KernelPictures
from pairmill.pipeline.report.source_images import Sources
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.subset import evenly, histogram, in_turn
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.kmsr import GeneratedPoolManifest, KernelSpread
from pairmill.schemas.pool import JudgedKernel, KernelPoolManifest
from pairmill.schemas.report import GeneratedView, KernelsSection, KernelView

ACCEPTED, REJECTED = 24, 24
"""Maximum number of kernels of each kind that are shown."""
WORTH_A_LINE = 0.005
"""Smallest gain of contrast that does not round to 0 %."""
GENERATED = 32
"""Most generated kernels that are shown."""


def collect_kernels(
    storage: Storage,
    pool: KernelPoolManifest,
    pictures: KernelPictures,
    sources: Sources,
    picture_files: PictureFiles,
) -> KernelsSection:
    """Draw and describe the pool."""
    accepted = [record for record in pool.judged if record.verdict.accepted]
    rejected = [record for record in pool.judged if not record.verdict.accepted]
    # Of several kernels of one image, at cells of its field, the first stands for all.
    rows = {image: index for index, image in reversed([*enumerate(pool.kernels)])}
    shown = [accepted[place] for place in evenly(len(accepted), ACCEPTED)]
    shown += in_turn(rejected, lambda record: record.verdict.reason)[:REJECTED]
    pictures.draw([rows[record.image] for record in shown if record.verdict.accepted])
    kernels = pictures.pool.spread()
    mean = on_grey(kernels.mean(axis=0))
    widths = [record.verdict.diagnostics.width for record in accepted if record.verdict.diagnostics]
    maker = _Views(storage, pool, pictures, sources, picture_files)
    return KernelsSection(
        accepted=len(accepted),
        over_field=pool.count if pool.cells else 0,
        rejected=len(rejected),
        side=pool.side,
        scale=pool.scale,
        reasons=dict(Counter(str(record.verdict.reason) for record in rejected).most_common()),
        mean=picture_files.png("kernel-mean", heat(pictures.cropped(mean))),
        mean_peak=float(mean.max()),
        mean_side=pictures.side,
        mean_centre=pictures.centre,
        averaged=len(kernels),
        widths=histogram(widths) if len(widths) > 1 else None,
        shown=tuple(maker.view(record, rows.get(record.image)) for record in shown),
    )


def collect_generated(pool: GeneratedPoolManifest, pictures: KernelPictures) -> GeneratedView:
    """Draw some generated kernels."""
    shown = evenly(pool.count, GENERATED)
    pictures.draw(shown)
    names = tuple(pictures.name(index) for index in shown)
    return GeneratedView(count=pool.count, method=pool.method, made=pool.made, pictures=names)


class _Views:
    """Draws verdicts one by one."""

    def __init__(
        self,
        storage: Storage,
        pool: KernelPoolManifest,
        pictures: KernelPictures,
        sources: Sources,
        picture_files: PictureFiles,
    ) -> None:
        self.storage, self.pool, self.pictures, self.sources, self.picture_files = (
            storage,
            pool,
            pictures,
            sources,
            picture_files,
        )

    def view(self, record: JudgedKernel, index: int | None) -> KernelView:
        """One card; a rejected kernel is drawn as it was estimated."""
        verdict = record.verdict
        raw = self._raw(record.image)
        if index is not None:
            picture, side, centre, peak = self._pooled(index)
        else:
            picture, side, centre, peak = self._estimated(record, raw)
        return KernelView(
            source=self.sources.name(record.image),
            thumbnail=self.sources.thumbnail(record.image),
            index=index,
            reason=str(verdict.reason or ""),
            detail=plain(verdict.detail),
            picture=picture,
            side=side,
            centre=centre,
            peak=peak,
            estimates=self._strip(record.image, raw),
            restarts=len(raw),
            restart=verdict.restart,
            diagnostics=verdict.diagnostics,
        )

    def _pooled(self, index: int) -> tuple[str, int, float, float]:
        pictures = self.pictures
        return pictures.name(index), pictures.side, pictures.centre, pictures.peaks[index]

    def _estimated(
        self, record: JudgedKernel, raw: NDArray[np.float64]
    ) -> tuple[str, int, float, float]:
        if not len(raw):
            return "", 0, 0.0, 0.0
        kernel = np.nan_to_num(raw[record.verdict.restart or 0], nan=0.0, posinf=0.0, neginf=0.0)
        side = kernel.shape[0]
        picture = self.picture_files.png(f"estimate-{record.image[:16]}", heat(kernel))
        return picture, side, target_centre(side, 2), float(kernel.max())

    def _strip(self, image: str, raw: NDArray[np.float64]) -> str:
        if len(raw):
            return self.picture_files.png(f"restarts-{image[:16]}", strip(raw))
        return ""

    def _raw(self, image: str) -> NDArray[np.float64]:
        """(R, k, k), as estimated; none for an image that was refused."""
        key = self.pool.estimates.get(image, "")
        name = f"{layout.unit_folder(self.pool.estimated_by, key)}/raw.npy"
        if key and self.storage.exists(name):
            return read_npy(self.storage, name)
        return np.zeros((0, 0, 0))


OPEN = 8
"""Kernels of a group that are not folded away."""


def kernels_html(kernels: KernelsSection) -> Raw:
    """The pool, then what was not let in."""
    without = ", one of every real image"
    if kernels.rejected:
        without = f", {counted(kernels.rejected, 'image')} without one"
    of = counted(kernels.accepted, "kernel")
    if kernels.over_field:
        of = f"{counted(kernels.over_field, 'kernel')} of {counted(kernels.accepted, 'image')}"
        without = without if kernels.rejected else ", at cells of their fields"
    lead = (
        f"The blur of the camera: {of} in the pool{without}. A kernel has {kernels.side} × "
        f"{kernels.side} HR pixels, for ×{kernels.scale}."
    )
    note = (
        "Each image is cropped to what can be seen and scaled to its own peak. Blue is negative: "
        "there the camera sharpens. The cross marks where the centre of mass must be for HR and "
        "LR to be aligned."
    )
    accepted = [view for view in kernels.shown if view.index is not None]
    rejected = [view for view in kernels.shown if view.index is None]
    return section(
        "kernels",
        "Kernels",
        lead,
        el("p", note, class_="quiet small prose gap"),
        _overview(kernels),
        _group("Accepted", accepted, kernels.accepted),
        _group("Rejected", rejected, kernels.rejected) if kernels.rejected else None,
        _generated(kernels.generated) if kernels.generated else None,
        folded=True,
    )


def _overview(kernels: KernelsSection) -> Raw:
    side = kernels.mean_side or kernels.side
    mean = el("div", _heat(kernels.mean, side, kernels.mean_centre, "mean kernel"), class_="big")
    scale = el(
        "div",
        el("span", "0"),
        el("span", class_="magma"),
        el("span", f"{kernels.mean_peak:.3f}"),
        class_="scale",
    )
    charts = [
        figure(join([mean, scale]), "Mean kernel", f"over {counted(kernels.averaged, 'kernel')}")
    ]
    if kernels.widths is not None:
        alt = "histogram of the widths of accepted kernels"
        chart = bars(kernels.widths, "width of the ×2 kernel, HR px", "kernels", alt)
        charts.append(figure(chart, "Widths", "of accepted kernels, as the sigma of a Gaussian"))
    judged = {"accepted": kernels.accepted, **kernels.reasons}
    if not kernels.rejected:
        return el("div", *charts, class_="charts")
    verdicts = rows(
        [Row(name, ((name, count),), number(count)) for name, count in judged.items()],
        "images by verdict",
    )
    charts.append(figure(verdicts, "Verdicts", "photos by what became of their kernel"))
    return el("div", *charts, class_="charts")


def _group(title: str, views: list[KernelView], total: int) -> Raw:
    if len(views) < total:
        shown = f"{len(views):,} of {total:,}"
    else:
        shown = f"{total:,}"
    return titled(title, shown, fold([_card(view) for view in views], "kernels", OPEN))


def _generated(view: GeneratedView) -> Raw:
    """Small images of generated kernels, and how they compare with the pool."""
    how = "mixing rotated and flipped kernels of the pool"
    if view.method == "wgan":
        how = "a generator fitted to the pool (WGAN)"
    made = view.made
    text = f"Made by {how}; of {number(made.drawn)} drawn, "
    text += f"{number(sum(made.rejected.values()))} were not let in"
    if made.rejected:
        reasons = (f"{number(count)} {reason}" for reason, count in made.rejected.items())
        text += f" ({', '.join(reasons)})"
    text += f". The pool, rotated and flipped: {_spread(made.pool)}"
    if made.generated:
        text += f"; generated: {_spread(made.generated)}"
    text += "."
    pictures = (
        el("img", src=picture, alt="generated kernel", class_="pixels", loading="lazy")
        for picture in view.pictures
    )
    if len(view.pictures) < view.count:
        shown = f"{len(view.pictures):,} of {view.count:,}"
    else:
        shown = f"{view.count:,}"
    small = el("div", *pictures, class_="tiny-kernels")
    return titled("Generated", shown, el("p", text, class_="detail prose"), small)


def _spread(spread: KernelSpread) -> str:
    return (
        f"width {spread.width:.2f} ± {spread.width_std:.2f} px, anisotropy "
        f"{spread.anisotropy:.2f}, "
        f"mean difference {spread.distance:.2f}"
    )


def _card(view: KernelView) -> Raw:
    if view.picture:
        kernel = _heat(view.picture, view.side, view.centre, f"kernel of {view.source}")
    else:
        kernel = _missing()
    picture = el("div", kernel, class_="half")
    if view.index is not None:
        label = f"kernel #{view.index}"
    else:
        label = view.reason
    tag = el("span", label, class_="tag" if view.index is not None else "tag bad")
    head = el("p", tag, el("bdi", view.source, class_="clip"), class_="title")
    body = el("div", head, el("p", view.detail, class_="detail"), _numbers(view), _restarts(view))
    return el(
        "article",
        el("div", picture, el("div", _source(view), class_="half"), class_="halves"),
        body,
        class_="card kernel",
    )


def _missing() -> Raw:
    return el("div", "no estimate", class_="empty")


def _source(view: KernelView) -> Raw:
    if not view.thumbnail:
        return el("div", "no preview", class_="empty")
    return el("img", src=view.thumbnail, alt=f"source image {view.source}", loading="lazy")


def _numbers(view: KernelView) -> Raw | None:
    if view.diagnostics is None:
        return None
    d = view.diagnostics
    rows = [("width", f"{d.width:.2f}{_give_or_take(d.width_error)} px")]
    if d.error is not None:
        rows.append(("expected error", f"{100 * d.error:.0f} %"))
    if d.mtf50 is not None:
        rows.append(("half contrast (MTF50)", f"{d.mtf50:.2f} cycles/px"))
    if d.overshoot and d.overshoot >= WORTH_A_LINE:
        rows.append(("sharpening, at most", f"{100 * d.overshoot:.0f} %"))
    if d.stretch is not None:
        rows.append(("longer than wide", f"{d.stretch:.2f} times"))
    if d.mismatch is not None:
        rows.append(("spectra differ by", f"{d.mismatch:.1f} dB"))
    if d.disagreement is not None:
        rows += [
            ("off centre by", f"{d.offset:.2f} px"),
            ("restarts differ by", number(round(d.disagreement, 3))),
            ("sum", number(round(d.sum, 3))),
        ]
    rows += [
        ("diameter of a blurred point", f"{number(round(d.support, 1))} px"),
        ("peak", f"{view.peak:.3g}"),
    ]
    return definitions(rows)


def _give_or_take(error: float | None) -> str:
    return f" ± {error:.2f}" if error is not None else ""


def _restarts(view: KernelView) -> Raw | None:
    if not view.estimates:
        return None
    note = f"{counted(view.restarts, 'restart')}, as estimated{_taken(view)}"
    picture = el(
        "img",
        src=view.estimates,
        alt=f"raw estimates of {view.source}",
        class_="pixels",
        loading="lazy",
    )
    shown = min(view.restarts, 4)
    return el(
        "div",
        picture,
        el("span", note, class_="quiet small"),
        class_="restarts",
        style=f"--restarts:{shown}",
    )


def _taken(view: KernelView) -> str:
    agreeing = 0
    if view.diagnostics:
        agreeing = view.diagnostics.agreeing or 0
    if view.index is not None and agreeing > 1:
        return f"; the kernel is the mean of {agreeing}"
    if view.restart is not None and view.restarts > 1:
        return f"; #{view.restart} is shown"
    return ""


def _heat(picture: str, side: int, centre: float, alt: str) -> Raw:
    image = el("img", src=picture, alt=alt, class_="pixels", loading="lazy")
    return el("div", image, cross(side, centre), class_="heat")

"""The kernel pool, and every verdict on an estimate."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from models.functional.kernels import target_centre
from pipeline import layout
from pipeline.report.collect.choose import evenly, histogram, in_turn
from pipeline.report.collect.pools import KernelPictures
from pipeline.report.collect.sources import Sources
from pipeline.report.pictures import heat, strip
from pipeline.report.shelf import Shelf
from pipeline.report.words import plain
from pipeline.stages import estimate_kernels
from pipeline.stages.payload import read_npy
from pipeline.storage import Storage
from schemas.kmsr import GeneratedPoolManifest
from schemas.pool import JudgedKernel, KernelPoolManifest
from schemas.report import GeneratedView, KernelsSection, KernelView

ACCEPTED, REJECTED = 24, 24
"""Most kernels of each kind that are shown."""
GENERATED = 32
"""Most generated kernels that are shown."""


def collect_kernels(
    storage: Storage, pool: KernelPoolManifest, pictures: KernelPictures, sources: Sources, shelf: Shelf
) -> KernelsSection:
    """Draw and describe the pool."""
    accepted = [record for record in pool.judged if record.verdict.accepted]
    rejected = [record for record in pool.judged if not record.verdict.accepted]
    rows = {image: index for index, image in enumerate(pool.kernels)}
    shown = [accepted[place] for place in evenly(len(accepted), ACCEPTED)]
    shown += in_turn(rejected, lambda record: record.verdict.reason)[:REJECTED]
    pictures.draw([rows[record.image] for record in shown if record.verdict.accepted])
    kernels = pictures.pool.spread()
    mean = kernels.mean(axis=0)
    widths = [record.verdict.diagnostics.width for record in accepted if record.verdict.diagnostics]
    maker = _Views(storage, pool, pictures, sources, shelf)
    return KernelsSection(
        accepted=pool.count, rejected=len(rejected), side=pool.side, scale=pool.scale,
        reasons=dict(Counter(str(record.verdict.reason) for record in rejected).most_common()),
        mean=shelf.png("kernel-mean", heat(mean)), mean_peak=float(mean.max()), mean_centre=pictures.centre,
        averaged=len(kernels), widths=histogram(widths) if len(widths) > 1 else None,
        shown=tuple(maker.view(record, rows.get(record.image)) for record in shown),
    )  # fmt: skip


def collect_generated(pool: GeneratedPoolManifest, pictures: KernelPictures) -> GeneratedView:
    """Draw some generated kernels."""
    shown = evenly(pool.count, GENERATED)
    pictures.draw(shown)
    names = tuple(pictures.name(index) for index in shown)
    return GeneratedView(count=pool.count, method=pool.method, made=pool.made, pictures=names)


class _Views:
    """Draws verdicts one by one."""

    def __init__(
        self, storage: Storage, pool: KernelPoolManifest, pictures: KernelPictures, sources: Sources, shelf: Shelf
    ) -> None:
        self.storage, self.pool, self.pictures, self.sources, self.shelf = storage, pool, pictures, sources, shelf

    def view(self, record: JudgedKernel, index: int | None) -> KernelView:
        """One card; a rejected kernel is drawn as it was estimated."""
        verdict = record.verdict
        raw = self._raw(record.image)
        picture, side, centre, peak = self._pooled(index) if index is not None else self._estimated(record, raw)
        return KernelView(
            source=self.sources.name(record.image), thumbnail=self.sources.thumbnail(record.image), index=index,
            reason=str(verdict.reason or ""), detail=plain(verdict.detail), picture=picture, side=side, centre=centre,
            peak=peak, estimates=self._strip(record.image, raw), restarts=len(raw), restart=verdict.restart,
            diagnostics=verdict.diagnostics,
        )  # fmt: skip

    def _pooled(self, index: int) -> tuple[str, int, float, float]:
        pictures = self.pictures
        return pictures.name(index), pictures.side, pictures.centre, pictures.peaks[index]

    def _estimated(self, record: JudgedKernel, raw: NDArray[np.float64]) -> tuple[str, int, float, float]:
        if not len(raw):
            return "", 0, 0.0, 0.0
        kernel = np.nan_to_num(raw[record.verdict.restart or 0], nan=0.0, posinf=0.0, neginf=0.0)
        side = kernel.shape[0]
        picture = self.shelf.png(f"estimate-{record.image[:16]}", heat(kernel))
        return picture, side, target_centre(side, 2), float(kernel.max())

    def _strip(self, image: str, raw: NDArray[np.float64]) -> str:
        return self.shelf.png(f"restarts-{image[:16]}", strip(raw)) if len(raw) else ""

    def _raw(self, image: str) -> NDArray[np.float64]:
        """(R, k, k), as estimated; none for an image that was refused."""
        key = self.pool.estimates.get(image, "")
        name = f"{layout.unit_folder(estimate_kernels.STAGE.name, key)}/raw.npy"
        return read_npy(self.storage, name) if key and self.storage.exists(name) else np.zeros((0, 0, 0))

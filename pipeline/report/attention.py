"""The first thing that a report says: what to look at before using the corpus."""

from __future__ import annotations

from collections.abc import Iterator

from pairmill.pipeline.html.markup import Raw, counted, el, join, section
from pairmill.pipeline.pools.thin import thin
from pairmill.schemas.realism import RealismRow
from pairmill.schemas.report import KernelsSection, NoiseSection, ReportData

REASONS = 3
"""Most reasons that are named."""


def attention_html(data: ReportData) -> Raw | None:
    """Thin pools first, then how real LR looks, what was rejected, and where noise comes from;
    none if there is nothing to say.
    """
    items = [el("li", text, class_="warning") for text in thin(data.head.counts)]
    items += _facts(data)
    if not items:
        return None
    return section("look", "What to look at", None, el("ul", *items, class_="look"))


def _facts(data: ReportData) -> Iterator[Raw]:
    if data.realism is not None:
        if data.realism.problem:
            yield _item("realism", f"Realism was not measured: {data.realism.problem}")
        yield from (_told(row) for row in data.realism.rows if not row.control)
    if data.kernels is not None:
        yield _item("kernels", _kernels(data.kernels))
    if data.noise is not None:
        yield _item("noise", _noise(data.noise))
    if lost := data.head.counts.get("images_rejected"):
        yield _item("images", f"{counted(lost, 'file')} took no part, each with its reason.")


def _told(row: RealismRow) -> Raw:
    result = row.result
    if result.auc is None or result.interval is None:
        return _item("realism", join(["LR of ", el("b", row.name), f": {result.problem}"]))
    low, high = result.interval
    figure = f": {result.words()}; AUC {result.auc:.2f} ({low:.2f} to {high:.2f}), 0.5 is guessing."
    return _item("realism", join(["LR of ", el("b", row.name), figure]))


def _kernels(kernels: KernelsSection) -> str:
    if not kernels.rejected:
        return f"Kernels: all {counted(kernels.accepted, 'photo')} gave one."
    most = sorted(kernels.reasons.items(), key=lambda item: -item[1])[:REASONS]
    reasons = ", ".join(f"{count} {reason}" for reason, count in most)
    judged = counted(kernels.accepted + kernels.rejected, "photo")
    return f"Kernels: {kernels.rejected:,} of {judged} gave none ({reasons})."


def _noise(noise: NoiseSection) -> str:
    giving = f"{noise.giving:,} of {counted(noise.images, 'photo')}"
    return f"Noise: {counted(noise.count, 'patch', 'patches')} of {giving}."


def _item(anchor: str, text: object) -> Raw:
    return el("li", el("a", text, href=f"#{anchor}"))

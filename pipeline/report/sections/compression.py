"""The section of compression."""

from __future__ import annotations

from pipeline.report.charts import bars
from pipeline.report.markup import Raw, chips, counted, definitions, el, figure, join, of, section, table
from schemas.report import CompressionSection, CompressionView


def compression_html(compression: CompressionSection) -> Raw:
    """Which compression was found, and whether LR has it too."""
    return section("compression", "Compression", _lead(compression), *([] if not compression.compressed else _found(compression)))


def _lead(compression: CompressionSection) -> str:
    found = f"{compression.compressed:,} of {counted(compression.images, 'real image')}"
    if not compression.compressed:
        return f"None of {counted(compression.images, 'real image')} shows traces of JPEG compression, so LR is not compressed."
    if not compression.used:
        return f"Only {found} are compressed, less than {compression.min_share:.0%}, so LR is not."
    return f"{found} were compressed as JPEG. LR is encoded and decoded the way one of them was, on a grid drawn by lot."


def _found(compression: CompressionSection) -> list[Raw]:
    exact = compression.compressed - compression.from_pixels
    facts = definitions([
        ("known", f"{exact:,} from files, {compression.from_pixels:,} from pixels"),
        ("chroma", chips(compression.subsamplings)),
        ("grid starts at row, column", chips(compression.phases)),
    ])  # fmt: skip
    assert compression.quality is not None
    chart = bars(compression.quality, "quality of the nearest standard table", "images", "histogram of JPEG qualities")
    charts = el("div", figure(chart, "Quality", "100 is best, on libjpeg's scale"), class_="charts")
    columns = ("image", "known from", "quality", "luma table", "chroma", "grid", "confidence")
    head = el("h3", "Images ", el("span", of(len(compression.shown), compression.compressed), class_="quiet"))
    rows = [_row(view) for view in compression.shown]
    return [facts, charts, join([head, table(columns, rows, "Compressed images, strongest first", frozenset({2, 6}))])]


def _row(view: CompressionView) -> list[object]:
    kind = "standard" if view.standard else "its own"
    phase = f"{view.phase[0]}, {view.phase[1]}"
    return [el("bdi", view.source), view.known, view.quality, kind, view.subsampling, phase, f"{view.confidence:.2f}"]

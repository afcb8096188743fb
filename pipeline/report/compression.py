"""The compression of the real images, in numbers."""

from __future__ import annotations

from collections import Counter

from pairmill.pipeline.html.charts import bars
from pairmill.pipeline.html.markup import (
    Raw,
    chips,
    counted,
    definitions,
    el,
    figure,
    of,
    section,
    table,
    titled,
)
from pairmill.pipeline.report.source_images import Sources
from pairmill.schemas.compression import CompressionPoolManifest, CompressionSource
from pairmill.schemas.report import CompressionSection, CompressionView, Histogram

SHOWN = 40
"""Maximum number of images that are listed."""
WIDTH = 5
"""Width of the classes of quality."""


def collect_compression(pool: CompressionPoolManifest, sources: Sources) -> CompressionSection:
    """Count and list."""
    found = sorted(
        (image for image in pool.images if image.found),
        key=lambda image: (image.quality, image.image),
    )
    return CompressionSection(
        images=len(pool.images),
        compressed=len(found),
        from_pixels=sum(image.source == CompressionSource.PIXELS for image in found),
        used=pool.count > 0,
        min_share=pool.min_share,
        quality=_qualities([image.quality for image in found]),
        subsamplings=dict(Counter(image.subsampling for image in found)),
        phases=dict(
            Counter(f"{image.phase[0]}, {image.phase[1]}" for image in found).most_common(12)
        ),
        shown=tuple(
            CompressionView(
                source=sources.name(image.image),
                known=str(image.source),
                quality=image.quality,
                standard=image.standard,
                subsampling=image.subsampling,
                phase=image.phase,
                confidence=image.confidence,
            )
            for image in found[:SHOWN]
        ),
    )


def _qualities(values: list[int]) -> Histogram | None:
    if not values:
        return None
    counts = Counter((value - 1) // WIDTH for value in values)
    first, last = min(counts), max(counts)
    edges = tuple(float(WIDTH * number) for number in range(first, last + 2))
    return Histogram(edges=edges, counts=tuple(counts[number] for number in range(first, last + 1)))


def compression_html(compression: CompressionSection) -> Raw:
    """Which compression was found, and whether LR has it too."""
    return section(
        "compression",
        "Compression",
        _lead(compression),
        *([] if not compression.compressed else _found(compression)),
        folded=True,
    )


def _lead(compression: CompressionSection) -> str:
    found = f"{compression.compressed:,} of {counted(compression.images, 'real image')}"
    if not compression.compressed:
        return (
            f"None of {counted(compression.images, 'real image')} shows traces of JPEG "
            "compression, so LR is not compressed."
        )
    if not compression.used:
        return (
            f"Only {found} are compressed, less than {compression.min_share:.0%}, so LR "
            "is not compressed."
        )
    return (
        f"{found} were compressed as JPEG. LR is compressed as one of them was, with its 8 × 8 "
        "blocks beginning anywhere."
    )


def _found(compression: CompressionSection) -> list[Raw]:
    exact = compression.compressed - compression.from_pixels
    facts = definitions(
        [
            ("known from", f"{exact:,} files, {compression.from_pixels:,} from pixels alone"),
            ("chroma subsampling", chips(compression.subsamplings)),
            ("first block begins at row, column", chips(compression.phases)),
        ]
    )
    assert compression.quality is not None
    chart = bars(
        compression.quality,
        "JPEG quality, 1 to 100",
        "images",
        "histogram of JPEG qualities",
    )
    charts = el(
        "div",
        figure(chart, "Quality", "of the nearest standard table of libjpeg; 100 is best"),
        class_="charts",
    )
    columns = (
        "image",
        "known from",
        "quality",
        "luma table",
        "chroma",
        "first block",
        "confidence, 0 to 1",
    )
    rows = [_row(view) for view in compression.shown]
    shown = table(columns, rows, "Compressed images, strongest first", frozenset({2, 6}))
    total = of(len(compression.shown), compression.compressed)
    return [facts, charts, titled("Images", total, shown)]


def _row(view: CompressionView) -> list[object]:
    kind = "standard" if view.standard else "its own"
    phase = f"{view.phase[0]}, {view.phase[1]}"
    return [
        el("bdi", view.source),
        view.known,
        view.quality,
        kind,
        view.subsampling,
        phase,
        f"{view.confidence:.2f}",
    ]

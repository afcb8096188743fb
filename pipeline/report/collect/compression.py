"""The compression of the real images, in numbers."""

from __future__ import annotations

from collections import Counter

from pipeline.report.collect.sources import Sources
from schemas.compression import CompressionPoolManifest, CompressionSource
from schemas.report import CompressionSection, CompressionView, Histogram

SHOWN = 40
"""Most images that are listed."""
WIDTH = 5
"""Width of the classes of quality."""


def collect_compression(pool: CompressionPoolManifest, sources: Sources) -> CompressionSection:
    """Count and list."""
    found = sorted((image for image in pool.images if image.found), key=lambda image: (image.quality, image.image))
    return CompressionSection(
        images=len(pool.images), compressed=len(found),
        from_pixels=sum(image.source == CompressionSource.PIXELS for image in found),
        used=pool.count > 0, min_share=pool.min_share, quality=_qualities([image.quality for image in found]),
        subsamplings=dict(Counter(image.subsampling for image in found)),
        phases=dict(Counter(f"{image.phase[0]}, {image.phase[1]}" for image in found).most_common(12)),
        shown=tuple(
            CompressionView(
                source=sources.name(image.image), known=str(image.source), quality=image.quality, standard=image.standard,
                subsampling=image.subsampling, phase=image.phase, confidence=image.confidence,
            )
            for image in found[:SHOWN]
        ),
    )  # fmt: skip


def _qualities(values: list[int]) -> Histogram | None:
    if not values:
        return None
    counts = Counter((value - 1) // WIDTH for value in values)
    first, last = min(counts), max(counts)
    edges = tuple(float(WIDTH * number) for number in range(first, last + 2))
    return Histogram(edges=edges, counts=tuple(counts[number] for number in range(first, last + 1)))

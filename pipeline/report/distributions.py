"""How the samples are distributed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pairmill.pipeline.corpora.samples import Pair
from pairmill.pipeline.html.charts import SERIES, Row, bars, columns, lines, rows
from pairmill.pipeline.html.markup import Raw, counted, el, figure, number, section
from pairmill.pipeline.html.pictures import Image, grey
from pairmill.pipeline.subset import histogram
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, PooledBlur
from pairmill.schemas.program import Program
from pairmill.schemas.report import Histogram, SpreadSection

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult

BINS = 64
"""Intervals of brightness."""
BARS = 96
"""Maximum number of kernels that get a bar of their own."""


def collect_spread(
    made: BuildResult, manifest: CorpusManifest, pairs: list[Pair], programs: list[Program]
) -> SpreadSection:
    """Count."""
    use = _kernel_use(manifest, programs)
    strengths = [
        op.strength
        for program in programs
        for op in program.ops
        if isinstance(op, Inject | InjectByLevel)
    ]
    return SpreadSection(
        shares=_shares(made),
        tiles=histogram([len(ref.hr.tiles) for ref in made.hr.manifest.images], whole=True),
        programs=len(programs),
        strength=histogram(strengths) if strengths else None,
        kernel_use=tuple(use) if len(use) <= BARS else (),
        kernel_draws=histogram(use, whole=True) if use else None,
        tiles_read=len(pairs),
        brightness_hr=_brightness([pair.hr for pair in pairs]),
        brightness_lr=_brightness([pair.lr for pair in pairs]),
    )


def _shares(made: BuildResult) -> dict[str, dict[str, int]]:
    shares: dict[str, Counter[str]] = {}
    for ref in made.shards.manifest.shards:
        shares.setdefault(ref.result.split, Counter()).update(ref.result.degraders)
    return {split: dict(sorted(counts.items())) for split, counts in shares.items()}


def _kernel_use(manifest: CorpusManifest, programs: list[Program]) -> list[int]:
    pool = next((ref for ref in manifest.identity.pools if ref.kind == "kernels"), None)
    blurs = [op for program in programs for op in program.ops if isinstance(op, PooledBlur)]
    drawn = [op.index for op in blurs if pool is not None and op.pool == pool.digest]
    count = pool.count if pool is not None else 0
    if drawn:
        return [int(uses) for uses in np.bincount(drawn, minlength=count)]
    return []


def _brightness(images: list[Image]) -> Histogram:
    edges = np.linspace(0, 256, BINS + 1)
    counts = np.zeros(BINS, np.int64)
    for image in images:
        counts += np.histogram(grey(image), edges)[0]
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))


def spread_html(spread: SpreadSection, pairs: int) -> Raw:
    """The charts."""
    lead = "How samples are spread over splits, degraders, images, kernels and brightness."
    drawn = f"in {counted(spread.programs, 'program')}" + (
        "" if spread.programs == pairs else f" of {pairs:,}"
    )
    charts = [figure(_shares_chart(spread), "Samples per split", _legend(spread))]
    charts.append(
        figure(
            _brightness_chart(spread),
            "Brightness",
            f"of the {counted(spread.tiles_read, 'pair')} shown above",
        )
    )
    charts.append(
        figure(
            bars(spread.tiles, "tiles per image", "images", "histogram of tiles per image"),
            "Tiles per image",
        )
    )
    if spread.kernel_use:
        chart = columns(
            spread.kernel_use,
            "number of the kernel in the pool",
            "samples",
            "in how many samples each kernel was used",
        )
        charts.append(figure(chart, "Kernel use", drawn))
    elif spread.kernel_draws is not None:
        chart = bars(
            spread.kernel_draws,
            "samples with a kernel",
            "kernels",
            "histogram of how often kernels were drawn",
        )
        charts.append(figure(chart, "Kernel use", drawn))
    if spread.strength is not None:
        chart = bars(
            spread.strength,
            "strength of the noise; 1 is that of the photos",
            "samples",
            "histogram of noise strength",
        )
        charts.append(figure(chart, "Noise strength", drawn))
    shown = el("div", *charts, class_="charts")
    return section("distributions", "Distributions", lead, shown, folded=True)


def _kinds(spread: SpreadSection) -> list[str]:
    return sorted({kind for counts in spread.shares.values() for kind in counts})


def _shares_chart(spread: SpreadSection) -> Raw:
    kinds = _kinds(spread)
    items = []
    for split, counts in spread.shares.items():
        parts = tuple((kind, counts.get(kind, 0)) for kind in kinds)
        items.append(Row(split, parts, number(sum(counts.values()))))
    return rows(items, "samples per split and degrader")


def _legend(spread: SpreadSection) -> Raw:
    totals = {
        kind: sum(counts.get(kind, 0) for counts in spread.shares.values())
        for kind in _kinds(spread)
    }
    keys = [
        el(
            "span",
            el("i", class_=f"key {SERIES[place % len(SERIES)]}"),
            f"{kind} {number(count)}",
            class_="legend",
        )
        for place, (kind, count) in enumerate(totals.items())
    ]
    return el("span", *keys)


def _brightness_chart(spread: SpreadSection) -> Raw:
    series = [("LR", _share(spread.brightness_lr)), ("HR", _share(spread.brightness_hr))]
    return lines(
        series,
        (0, 255),
        "intensity level",
        "share of pixels, %",
        "histograms of brightness of HR and LR",
        floor=0,
    )


def _share(histogram: Histogram) -> list[tuple[float, float]]:
    total = max(sum(histogram.counts), 1)
    middles = [
        (low + high) / 2 for low, high in zip(histogram.edges, histogram.edges[1:], strict=False)
    ]
    return [
        (middle, 100 * count / total)
        for middle, count in zip(middles, histogram.counts, strict=True)
    ]

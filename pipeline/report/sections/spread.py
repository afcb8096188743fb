"""The section of distributions."""

from __future__ import annotations

from pipeline.report.charts import Row, bars, columns, lines, rows
from pipeline.report.markup import Raw, counted, el, figure, number, section
from schemas.report import Histogram, SpreadSection


def spread_html(spread: SpreadSection, pairs: int) -> Raw:
    """The charts."""
    lead = "How samples, tiles and draws are distributed over the corpus."
    drawn = f"in {counted(spread.programs, 'program')}" + ("" if spread.programs == pairs else f" of {pairs:,}")
    charts = [figure(_shares(spread), "Samples per split", _legend(spread))]
    charts.append(figure(_brightness(spread), "Brightness", f"of the {counted(spread.tiles_read, 'pair')} above"))
    charts.append(figure(bars(spread.tiles, "tiles per image", "images", "histogram of tiles per image"), "Tiles per image"))
    if spread.kernel_use:
        chart = columns(spread.kernel_use, "kernel, row of the pool", "draws", "how often each kernel was drawn")
        charts.append(figure(chart, "Kernel use", drawn))
    elif spread.kernel_draws is not None:
        chart = bars(spread.kernel_draws, "draws of a kernel", "kernels", "histogram of how often kernels were drawn")
        charts.append(figure(chart, "Kernel use", drawn))
    if spread.strength is not None:
        chart = bars(spread.strength, "strength; 1 is as mined", "draws", "histogram of noise strength")
        charts.append(figure(chart, "Noise strength", drawn))
    return section("distributions", "Distributions", lead, el("div", *charts, class_="charts"))


def _kinds(spread: SpreadSection) -> list[str]:
    return sorted({kind for counts in spread.shares.values() for kind in counts})


def _shares(spread: SpreadSection) -> Raw:
    kinds = _kinds(spread)
    items = [
        Row(split, tuple((kind, counts.get(kind, 0)) for kind in kinds), number(sum(counts.values())))
        for split, counts in spread.shares.items()
    ]
    return rows(items, "samples per split and degrader")


def _legend(spread: SpreadSection) -> Raw:
    totals = {kind: sum(counts.get(kind, 0) for counts in spread.shares.values()) for kind in _kinds(spread)}
    keys = [
        el("span", el("i", class_=f"key s{place}"), f"{kind} {number(count)}", class_="legend")
        for place, (kind, count) in enumerate(totals.items())
    ]
    return el("span", *keys)


def _brightness(spread: SpreadSection) -> Raw:
    series = [("LR", _share(spread.brightness_lr)), ("HR", _share(spread.brightness_hr))]
    return lines(series, (0, 255), "grey level", "share of pixels, %", "histograms of brightness of HR and LR", floor=0)


def _share(histogram: Histogram) -> list[tuple[float, float]]:
    total = max(sum(histogram.counts), 1)
    middles = [(low + high) / 2 for low, high in zip(histogram.edges, histogram.edges[1:], strict=False)]
    return [(middle, 100 * count / total) for middle, count in zip(middles, histogram.counts, strict=True)]

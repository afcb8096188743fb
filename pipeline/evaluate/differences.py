"""The table of differences between networks, on the page."""

from __future__ import annotations

from collections.abc import Sequence

from pairmill.pipeline.evaluate.tables import (
    LEAD,
    Line,
    compared,
    heading,
    lines,
    verdict,
    words,
)
from pairmill.pipeline.html.markup import Raw, el, table_box, titled
from pairmill.schemas.evaluation import Difference, EvaluationReport, MetricView

CAPTION = "Differences between networks"


def differences_html(report: EvaluationReport) -> Raw | None:
    """Differences with their intervals; none where there is nothing to compare."""
    metrics = compared(report)
    if not metrics:
        return None
    heads = (el("th", heading(metric), scope="col", class_="num") for metric in metrics)
    texts = (el("th", text, scope="col") for text in ("network", "against"))
    bodies = []
    for group in report.groups:
        rows = [_row(line, metrics) for line in lines(group, metrics)]
        if rows:
            name = el("th", el("bdi", group.name), scope="rowgroup", colspan=2 + len(metrics))
            bodies.append(el("tbody", el("tr", name, class_="set"), *rows))
    box = table_box(CAPTION, el("tr", *texts, *heads), bodies, "scores differences")
    return titled(CAPTION, "", el("p", LEAD, class_="lead"), box)


def _row(line: Line, metrics: Sequence[MetricView]) -> Raw:
    cells = (_cell(one, metric) for one, metric in zip(line.cells, metrics, strict=True))
    name = el("th", el("bdi", line.network), scope="row")
    return el("tr", name, el("td", el("bdi", line.against)), *cells)


def _cell(one: Difference | None, metric: MetricView) -> Raw:
    said = verdict(one)
    against = None if one is None else f"{one.network} against {one.against}"
    return el(
        "td",
        words(one, metric),
        el("span", said) if said else None,
        class_="num unsure" if said else "num",
        title=against,
    )

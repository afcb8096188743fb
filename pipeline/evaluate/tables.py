"""Results as tables: markdown for people, CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from pairmill.pipeline.evaluate.measure import best
from pairmill.pipeline.html.markup import counted
from pairmill.schemas.evaluation import (
    EvaluationReport,
    Gaussian8View,
    GroupView,
    MetricView,
    ScoreRow,
)


def shown(value: float | None, metric: MetricView) -> str:
    """A value as tables print it; a dash if there is none."""
    if value is None:
        return "–"
    return signless(f"{value:.{metric.digits}f}")


def signless(text: str) -> str:
    """A rounded number without the sign of one that was rounded to zero."""
    return text if text.strip("+-0.") else text.lstrip("+-")


def mean_shown(row: ScoreRow, metric: MetricView, group: GroupView) -> str:
    """A mean as tables print it, with the number of images that it is over where that is not
    all.
    """
    text, count = shown(row.scores.get(metric.key), metric), group.count(metric.key)
    if metric.key not in row.scores or count == group.pictures:
        return text
    return f"{text} ({count} of {group.pictures})"


def heading(metric: MetricView) -> str:
    """The head of a metric's column, with an arrow that points to what is better."""
    return f"{metric.label} {'↑' if metric.better == 'higher' else '↓'}"


def columns(
    report: EvaluationReport, groups: Sequence[GroupView] | None = None
) -> list[MetricView]:
    """Metrics that have a value somewhere, if only for one network on one image."""
    keys: set[str] = set()
    for group in groups or report.groups:
        keys.update(group.counts, *(row.scores for row in group.rows))
    return [metric for metric in report.metrics if metric.key in keys]


def markdown(report: EvaluationReport) -> str:
    """The means as one markdown table, the best of each group in bold, and how they were
    measured.
    """
    metrics = columns(report)
    lines = [f"# {report.title}, x{report.scale}", ""]
    lines.append(
        "| set | network | images | " + " | ".join(heading(metric) for metric in metrics) + " |"
    )
    lines.append("|---|---|---:|" + "---:|" * len(metrics))
    for group in report.groups:
        tops = {metric.key: best(group.rows, metric) for metric in metrics}
        for row in group.rows:
            cells = [_bold(row, metric, tops[metric.key], group) for metric in metrics]
            lines.append(
                f"| {_safe(group.name)} | {_safe(row.network)} | {group.pictures} | "
                + " | ".join(cells)
                + " |"
            )
    if report.gaussian8 is not None:
        title, heads, rows = gaussian8_rows(report.gaussian8)
        lines += ["", f"{title}.", "", f"| {' | '.join(heads)} |"]
        lines.append("|---|---|" + "---:|" * (len(heads) - 2))
        lines += [f"| {' | '.join(map(_safe, row))} |" for row in rows]
    lines += ["", *(f"- {metric.label}: {metric.about}" for metric in metrics)]
    lines += [
        f"- {_safe(one.name)}: {_safe(one.arch)}, {one.parameters:,} parameters, sha256 "
        f"{one.sha256[:12]}"
        for one in report.networks
        if one.sha256
    ]
    return "\n".join([*lines, *(f"- {note}" for note in report.notes)]) + "\n"


def gaussian8_rows(view: Gaussian8View) -> tuple[str, list[str], list[list[str]]]:
    """Title, heads and rows of what a wrong kernel costs."""
    title = f"Gaussian8, PSNR Y in dB by true width in HR pixels: {counted(view.images, 'image')}"
    heads = ["network", "was told", *(f"{width:.2f}" for width in view.widths), "mean"]
    rows = [
        [
            one.network,
            row.told,
            *(f"{value:.2f}" for value in (*row.scores, sum(row.scores) / len(row.scores))),
        ]
        for one in view.networks
        for row in one.rows
    ]
    return title, heads, rows


def _bold(row: ScoreRow, metric: MetricView, top: float | None, group: GroupView) -> str:
    value = row.scores.get(metric.key)
    text = mean_shown(row, metric, group)
    if value is not None and top is not None and round(value, metric.digits) == top:
        return f"**{text}**"
    return text


def _safe(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def scores_csv(report: EvaluationReport) -> str:
    """A line per image and network, and one per mean with an empty image, to six digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = [metric.key for metric in columns(report)]
    writer.writerow(["set", "picture", "network", "width", "height", *keys])
    for picture in report.pictures:
        for row in picture.rows:
            writer.writerow(
                [
                    picture.group,
                    picture.name,
                    row.network,
                    picture.width,
                    picture.height,
                    *_values(row, keys),
                ]
            )
    for group in report.groups:
        for row in group.rows:
            writer.writerow([group.name, "", row.network, "", "", *_values(row, keys)])
    return out.getvalue()


def _values(row: ScoreRow, keys: Sequence[str]) -> list[str]:
    return [f"{row.scores[key]:.6f}" if key in row.scores else "" for key in keys]

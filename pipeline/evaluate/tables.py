"""Results as tables: markdown for people, CSV for programs; differences in words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pairmill.pipeline.evaluate.bootstrap import DRAWS, FEWEST
from pairmill.pipeline.evaluate.gaussian8_page import gaussian8_rows
from pairmill.pipeline.evaluate.measure import best
from pairmill.schemas.evaluation import (
    Difference,
    EvaluationReport,
    GroupView,
    MetricView,
    NetworkView,
    ScoreRow,
)

BEST = "the best network"
"""Stands for the network with the best mean of a metric."""
LEAD = (
    "Differences of means with 95 % intervals: a paired bootstrap over the same images "
    f"({DRAWS:,} draws of source images), against bicubic and against the best network of each "
    "metric (a dash where it is that one). Where the interval spans 0, the images do not tell the "
    "two apart. Intervals are of these images alone: they say nothing of another training run or "
    "another kind of image."
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


class Line(NamedTuple):
    """One row of the table of differences."""

    network: str
    against: str
    """Bicubic, or `BEST`."""
    cells: tuple[Difference | None, ...]
    """By metric; none where the network is itself the best, or nothing was measured."""


def lines(group: GroupView, metrics: Sequence[MetricView]) -> Iterator[Line]:
    """The rows of a group, first against bicubic."""
    for by_best in (False, True):
        for row in group.rows[1:]:
            found = {
                one.metric: one
                for one in group.differences
                if one.network == row.network and (one.against != group.rows[0].network) == by_best
            }
            cells = tuple(found.get(metric.key) for metric in metrics)
            if any(cells):
                yield Line(row.network, BEST if by_best else group.rows[0].network, cells)


def words(one: Difference | None, metric: MetricView) -> str:
    """`+0.31 (+0.22 to +0.41)`."""
    if one is None:
        return "–"
    text = _signed(one.difference, metric)
    if one.interval is None:
        return text
    low, high = (_signed(end, metric) for end in one.interval)
    return f"{text} ({low} to {high})"


def verdict(one: Difference | None) -> str:
    """What is to be said of a difference; nothing where it is sure."""
    if one is None or one.told_apart:
        return ""
    if one.interval is None:
        return f"too few images ({one.sources}, at least {FEWEST})"
    return "not told apart"


def _signed(value: float, metric: MetricView) -> str:
    return signless(f"{value:+.{metric.digits}f}")


def compared(report: EvaluationReport) -> list[MetricView]:
    """Metrics of which there are differences."""
    keys = {one.metric for group in report.groups for one in group.differences}
    return [metric for metric in columns(report) if metric.key in keys]


def markdown(report: EvaluationReport) -> str:
    """The means as one markdown table, the best of each group in bold, and how they were
    measured.
    """
    metrics = columns(report)
    out = [f"# {report.title}, x{report.scale}", ""]
    out.append(
        "| set | network | images | " + " | ".join(heading(metric) for metric in metrics) + " |"
    )
    out.append("|---|---|---:|" + "---:|" * len(metrics))
    for group in report.groups:
        tops = {metric.key: best(group.rows, metric) for metric in metrics}
        for row in group.rows:
            cells = [_bold(row, metric, tops[metric.key], group) for metric in metrics]
            out.append(
                f"| {_safe(group.name)} | {_safe(row.network)} | {group.pictures} | "
                + " | ".join(cells)
                + " |"
            )
    if report.gaussian8 is not None:
        title, heads, rows = gaussian8_rows(report.gaussian8)
        out += ["", f"{title}.", "", f"| {' | '.join(heads)} |"]
        out.append("|---|---|" + "---:|" * (len(heads) - 2))
        out += [f"| {' | '.join(map(_safe, row))} |" for row in rows]
    out += [*_differences(report), ""]
    out += [f"- {metric.label}: {metric.about}" for metric in metrics]
    out += [
        f"- {_safe(one.name)}: {_safe(one.arch)}, {one.parameters:,} parameters, sha256 "
        f"{one.sha256[:12]}{_trained_on(one)}"
        for one in report.networks
        if one.sha256
    ]
    return "\n".join([*out, *(f"- {note}" for note in report.notes)]) + "\n"


def _differences(report: EvaluationReport) -> list[str]:
    metrics = compared(report)
    if not metrics:
        return []
    heads = " | ".join(heading(metric) for metric in metrics)
    out = ["", LEAD, "", f"| set | network | against | {heads} |"]
    out.append("|---|---|---|" + "---:|" * len(metrics))
    for group in report.groups:
        for line in lines(group, metrics):
            cells = [
                ", ".join(filter(None, (words(one, metric), verdict(one))))
                for one, metric in zip(line.cells, metrics, strict=True)
            ]
            names = " | ".join(map(_safe, (group.name, line.network, line.against)))
            out.append(f"| {names} | {' | '.join(cells)} |")
    return out


def _trained_on(one: NetworkView) -> str:
    if not one.corpus:
        return ""
    digest = f", digest {one.corpus_digest[:12]}" if one.corpus_digest else ""
    others = "".join(f", {_safe(each)}" for each in one.smaller)
    return f", trained on {_safe(one.corpus)}{digest}{others}"


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

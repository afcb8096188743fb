"""The page of an evaluation: a pure function of the report."""

from __future__ import annotations

from collections.abc import Sequence

from pairmill.pipeline.evaluate.differences import differences_html
from pairmill.pipeline.evaluate.gains import gains_html
from pairmill.pipeline.evaluate.gallery import rows_html, tools
from pairmill.pipeline.evaluate.gaussian8_page import gaussian8_html
from pairmill.pipeline.evaluate.measure import ALL, best
from pairmill.pipeline.evaluate.tables import columns, heading, mean_shown, shown, signless
from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import (
    Raw,
    counted,
    definitions,
    el,
    join,
    number,
    of,
    section,
    table,
    table_box,
    titled,
)
from pairmill.schemas.evaluation import (
    EvaluationReport,
    GroupView,
    MetricView,
    NetworkView,
    ScoreRow,
)

MOST_ROWS = 2000
"""Rows of the table of all images; `scores.csv` has all."""


def evaluation_page(report: EvaluationReport) -> str:
    """The whole of `index.html`."""
    parts = [("scores", "Scores", _scores(report))]
    if report.gaussian8 is not None:
        parts.append(("gaussian8", "Wrong kernels", gaussian8_html(report.gaussian8)))
    if report.shown:
        parts.append(("pictures", "Images", _pictures(report)))
    if columns(report):
        parts.append(("all", "Every image", _every(report)))
    parts.append(("making", "How it was measured", _making(report)))
    names = [el("code", name) for name in ("evaluation.json", "scores.csv", "table.md")]
    foot = join([join(names, ", "), " beside this page hold all numbers."])
    title = f"{report.title} · ×{report.scale}"
    return document(title, report.title, _hero(report), parts, foot, style="evaluate.css")


def _hero(report: EvaluationReport) -> Raw:
    made = report.made.replace("T", " ").replace("Z", " UTC")
    facts = [
        (number(len(report.pictures)), "image" if len(report.pictures) == 1 else "images"),
        (f"×{report.scale}", "scale"),
        (
            number(len(report.networks)),
            "networks, with bicubic" if len(report.networks) > 1 else "control",
        ),
        (f"{report.border} px", "left out at every edge"),
    ]
    return hero(f"Evaluation · {made}", report.title, sentence(report), facts)


def sentence(report: EvaluationReport) -> str:
    """The result in words: of the first set, or of a whole corpus, and the best network."""
    measured = [group for group in report.groups if "psnr_y" in group.rows[0].scores]
    if not measured:
        names = ", ".join(group.name for group in report.groups)
        return (
            f"Real images without HR ({names}): differences can be seen, but not measured against "
            "a true HR."
        )
    group = next((group for group in measured if group.name == ALL), measured[0])
    control = group.rows[0].scores["psnr_y"]
    if group.name == ALL:
        name = group.about
    elif group.kind == "corpus":
        name = f"{group.about}, degrader {group.name}"
    else:
        name = group.name
    where = f"On {name} ({counted(group.pictures, 'image')})"
    if len(group.rows) == 1:
        return f"{where}, bicubic upscaling reaches {control:.2f} dB PSNR (Y)."
    top = max(group.rows[1:], key=lambda row: row.scores.get("psnr_y", 0.0))
    gain = top.scores["psnr_y"] - control
    more = "more" if gain >= 0 else "less"
    than = f"{abs(gain):.2f} dB {more} than bicubic"
    return f"{where}, {top.network} reaches {top.scores['psnr_y']:.2f} dB PSNR (Y), {than}."


def _scores(report: EvaluationReport) -> Raw:
    metrics = columns(report)
    lead = "No metric applies: there is no HR to compare with, and no parameters for NIQE."
    if metrics:
        lead = (
            "Means over those images of each set that every network has a value for. Bicubic "
            "upscaling needs no network and is the control. The best of each set is highlighted; "
            "an arrow says whether more or less is better."
        )
    head = el(
        "tr",
        el("th", "network", scope="col"),
        *(el("th", heading(metric), scope="col", class_="num") for metric in metrics),
    )
    bodies = [_group(group, metrics) for group in report.groups]
    box = table_box("Mean scores", head, bodies, "scores")
    notes = None
    if report.notes:
        notes = el("ul", *(el("li", note) for note in report.notes), class_="quiet small gap")
    return section(
        "scores",
        "Scores",
        lead,
        box if metrics else None,
        notes,
        differences_html(report),
        gains_html(report.groups),
    )


def _group(group: GroupView, metrics: Sequence[MetricView]) -> Raw:
    tops = {metric.key: best(group.rows, metric) for metric in metrics}
    whole, part = (
        counted(group.pictures, "image"),
        f"{group.pictures:,} of {counted(group.total, 'image')}",
    )
    amount = whole if group.pictures == group.total else part
    if group.kind == "corpus" and group.name != ALL:
        label = f"degrader {group.name}"
    else:
        label = group.name
    name = el(
        "th",
        el("bdi", label),
        el("span", f"{amount}; {group.about}"),
        scope="rowgroup",
        colspan=1 + len(metrics),
    )
    rows = [el("tr", name, class_="set")]
    for place, row in enumerate(group.rows):
        cells = [
            _cell(row, group, metric, tops[metric.key], compared=place > 0) for metric in metrics
        ]
        rows.append(
            el(
                "tr",
                el("th", el("bdi", row.network), scope="row"),
                *cells,
                class_=None if place else "control",
            )
        )
    return el("tbody", *rows)


def _cell(
    row: ScoreRow, group: GroupView, metric: MetricView, top: float | None, *, compared: bool
) -> Raw:
    value, text = row.scores.get(metric.key), mean_shown(row, metric, group)
    if value is None:
        return el("td", text, class_="num")
    is_best = top is not None and round(value, metric.digits) == top
    title = None
    if compared:
        than = value - group.rows[0].scores[metric.key]
        title = f"{signless(f'{than:+.{metric.digits}f}')} against bicubic"
    return el("td", text, class_="num best" if is_best else "num", title=title)


def _pictures(report: EvaluationReport) -> Raw:
    measured = any(pane.difference for row in report.shown for pane in row.panes)
    lead = (
        f"The part of LR with most detail, {of(len(report.shown), len(report.pictures))}: of each "
        "set, from the least to the greatest gain of the first network."
    )
    ramp = el(
        "p",
        "equal to HR",
        el("i", class_="magma"),
        f"{report.peak:g} intensity levels off, or more",
        class_="ramp",
    )
    if len({row.panes[0].label for row in report.shown}) > 1:
        first = "the first one"
    else:
        first = report.shown[0].panes[0].label
    switch = tools(differences=measured, first=first)
    return section(
        "pictures", "Images", lead, switch, ramp if measured else None, rows_html(report.shown)
    )


def _every(report: EvaluationReport) -> Raw:
    metrics = columns(report)
    rows: list[list[object]] = []
    for picture in report.pictures:
        for row in picture.rows:
            scores = (shown(row.scores.get(metric.key), metric) for metric in metrics)
            name = el("bdi", picture.name)
            rows.append([name, picture.group, el("bdi", row.network), *scores])
    lead = (
        f"{of(min(MOST_ROWS, len(rows)), len(rows))}; "
        + "scores.csv beside this page has them with more digits."
    )
    head = ("image", "set", "network", *(metric.label for metric in metrics))
    numeric = frozenset(range(3, 3 + len(metrics)))
    content = [table(head, rows[:MOST_ROWS], "Scores of every image", numeric)]
    if report.left_out:
        title = f"{counted(len(report.left_out), 'file')} left out"
        body = [[el("bdi", one.name), one.reason] for one in report.left_out]
        content.append(titled(title, "", table(("file", "why"), body, title)))
    return section("all", "Every image", lead, *content)


def _making(report: EvaluationReport) -> Raw:
    config = report.config.inference
    how = f"{config.tiles()}, {config.precision}"
    if config.ensemble:
        how += ", mean over eight flips and rotations"
    lead = (
        "Images are compared in 8 bits. For sets without LR, LR is MATLAB's bicubic downscaling "
        "of HR, clipped and rounded once."
    )
    rows: list[tuple[str, object]] = [
        ("networks run in", how),
        *((metric.label, metric.about) for metric in columns(report)),
    ]
    cards = [_network(one) for one in report.networks[1:]]
    return section(
        "making",
        "How it was measured",
        lead,
        definitions(rows),
        el("div", *cards, class_="grid networks") if cards else None,
    )


def _network(one: NetworkView) -> Raw:
    rate = "–"
    if one.seconds:
        rate = f"{one.megapixels / one.seconds:.3g} HR megapixels/s"
    rows: list[tuple[str, object]] = [
        ("parameters", number(one.parameters)),
        ("speed here", rate),
        ("trained on", one.training or "not said"),
        ("digest of that corpus", el("code", one.corpus_digest[:16]) if one.corpus_digest else "–"),
        ("file", el("bdi", one.file)),
        ("SHA-256", el("code", one.sha256[:16])),
    ]
    title = el("p", el("b", el("bdi", one.name)), el("span", f" {one.arch}", class_="quiet"))
    return el("article", title, definitions(rows), class_="card kernel")

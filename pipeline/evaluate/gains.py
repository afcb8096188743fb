"""A chart of what each network gains over bicubic, by set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pairmill.pipeline.evaluate.tables import signless
from pairmill.pipeline.html.charts import SERIES, ticks
from pairmill.pipeline.html.markup import Raw, el, figure, join
from pairmill.schemas.evaluation import GroupView

WIDTH, LEFT, RIGHT, ROW, GAP, HEAD = 480, 140, 56, 20, 16, 24
TWO = 2


def gains_html(groups: Sequence[GroupView]) -> Raw | None:
    """Bars of PSNR (Y) less that of bicubic, in dB; none if there is nothing to compare.

    Bars of one set are named one by one; those of several have a colour for each network.
    """
    measured = [
        group
        for group in groups
        if len(group.rows) > 1 and all("psnr_y" in row.scores for row in group.rows)
    ]
    if not measured or (len(measured) == 1 and len(measured[0].rows) == TWO):
        return None
    values = [_gain(group, place) for group in measured for place in range(1, len(group.rows))]
    low, high = min(0.0, *values), max(0.0, *values)
    span = max(high - low, 1e-9)

    def px(value: float) -> float:
        return round(LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT), 1)

    marks, top = list[Raw](), HEAD
    for group in measured:
        for place in range(1, len(group.rows)):
            marks += _bar(group, place, top, px, named=len(measured) == 1)
            top += ROW
        top += GAP
    height = top - GAP + 8
    lines = [_line(value, px(value), height) for value in ticks(low, high, 5)]
    alt = "Gain over bicubic by set and network"
    drawing = el("svg", *lines, *marks, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=alt)
    said = "dB PSNR (Y), mean of the set "
    if len(measured) == 1:
        return el("div", figure(drawing, "Gain over bicubic", said), class_="gains")
    legend = join(
        el(
            "span",
            el("i", class_=f"key {SERIES[(place - 1) % len(SERIES)]}"),
            row.network,
            class_="legend",
        )
        for place, row in enumerate(measured[0].rows)
        if place
    )
    return el("div", figure(drawing, "Gain over bicubic", join([said, legend])), class_="gains")


def _gain(group: GroupView, place: int) -> float:
    return group.rows[place].scores["psnr_y"] - group.rows[0].scores["psnr_y"]


def _bar(
    group: GroupView, place: int, top: int, at: Callable[[float], float], *, named: bool
) -> list[Raw]:
    gain = _gain(group, place)
    start, end = sorted((at(0.0), at(gain)))
    bar = el(
        "rect",
        x=start,
        y=top + 2,
        width=max(1.0, round(end - start, 1)),
        height=ROW - 5,
        rx=2,
        class_=f"fill {SERIES[0 if named else (place - 1) % len(SERIES)]}",
    )
    value = el(
        "text", signless(f"{gain:+.2f}"), x=max(end, at(0.0)) + 6, y=top + ROW - 6, class_="tick"
    )
    if named:
        text = group.rows[place].network
    elif place == 1:
        text = group.name
    else:
        text = ""
    name = None
    if text:
        name = el("text", _cut(text), x=LEFT - 12, y=top + ROW - 6, class_="label end")
    return [part for part in (bar, value, name) if part is not None]


def _line(value: float, x: float, height: int) -> Raw:
    return el(
        "g",
        el("line", x1=x, x2=x, y1=HEAD - 6, y2=height, class_="axis" if value == 0 else "grid"),
        el("text", f"{value:g}", x=x, y=HEAD - 10, class_="tick mid"),
    )


def _cut(name: str) -> str:
    return name if len(name) <= 19 else f"{name[:18]}…"

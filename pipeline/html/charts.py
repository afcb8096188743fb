"""Small charts as inline SVG: one size for desk and phone, colours from the page's stylesheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pairmill.pipeline.html.markup import Raw, el, join, number
from pairmill.schemas.report import Histogram

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 12, 44
Points = Sequence[tuple[float, float]]
SERIES = ("s0", "s1", "s2", "s3", "s4", "s5")
"""Classes of the style sheet, a colour each, in turn."""
CHANNELS = {"R": "red", "G": "green", "B": "blue"}
"""Classes of channels."""


@dataclass(frozen=True)
class Plot:
    """A frame with two linear axes, each with a label that names its unit."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str

    def px(self, value: float) -> float:
        """Place on the horizontal axis, in user units."""
        low, high = self.x
        return round(LEFT + (value - low) / (high - low or 1) * (WIDTH - LEFT - RIGHT), 1)

    def py(self, value: float) -> float:
        """Place on the vertical axis, in user units."""
        low, high = self.y
        return round(
            HEIGHT - BOTTOM - (value - low) / (high - low or 1) * (HEIGHT - TOP - BOTTOM), 1
        )

    def path(self, points: Points) -> str:
        """Points as the data of a path."""
        return "M" + "L".join(f"{self.px(x)} {self.py(y)}" for x, y in points)

    def draw(self, alt: str, *marks: Raw) -> Raw:
        """The chart: grid, marks, axes."""
        return _svg(alt, join([*self._rows(), *marks, *self._columns(), *self._labels()]))

    def _rows(self) -> list[Raw]:
        out = []
        for tick in ticks(*self.y, 4):
            y = self.py(tick)
            out.append(el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
            out.append(el("text", number(tick), x=LEFT - 6, y=y + 4, class_="tick end"))
        return out

    def _columns(self) -> list[Raw]:
        base = HEIGHT - BOTTOM
        out = [el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=base, y2=base, class_="axis")]
        for tick in ticks(*self.x, 5):
            out.append(
                el("line", x1=self.px(tick), x2=self.px(tick), y1=base, y2=base + 4, class_="axis")
            )
            out.append(el("text", number(tick), x=self.px(tick), y=base + 17, class_="tick mid"))
        return out

    def _labels(self) -> list[Raw]:
        middle = (TOP + HEIGHT - BOTTOM) / 2
        turned = f"rotate(-90 11 {middle})"
        return [
            el(
                "text", self.x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 6, class_="label mid"
            ),
            el("text", self.y_label, x=11, y=middle, transform=turned, class_="label mid"),
        ]


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers in [low, high], 1, 2 or 5 times a power of ten apart."""
    span = high - low
    if not span > 0:
        return [low]
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 10) for place in range(first, last + 1)]


def bars(histogram: Histogram, x_label: str, y_label: str, alt: str) -> Raw:
    """A histogram."""
    plot = Plot(
        (histogram.edges[0], histogram.edges[-1]),
        (0, max(*histogram.counts, 1) * 1.05),
        x_label,
        y_label,
    )
    marks = [_bar(plot, left, right, count) for left, right, count in _bins(histogram) if count]
    return plot.draw(alt, *marks)


def _bins(histogram: Histogram) -> list[tuple[float, float, int]]:
    return list(zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False))


def _bar(plot: Plot, left: float, right: float, count: float) -> Raw:
    start, end, top = plot.px(left), plot.px(right), plot.py(count)
    gap = 1 if end - start > 4 else 0
    title = el("title", f"{number(left)} to {number(right)}: {number(count)}")
    height = round(HEIGHT - BOTTOM - top, 1)
    return el(
        "rect",
        title,
        x=start + gap / 2,
        y=top,
        width=round(max(end - start - gap, 0.6), 1),
        height=height,
        class_="bar",
    )


def columns(values: Sequence[int], x_label: str, y_label: str, alt: str) -> Raw:
    """One bar per item, numbered from 0."""
    edges = tuple(place - 0.5 for place in range(len(values) + 1))
    return bars(Histogram(edges=edges, counts=tuple(values)), x_label, y_label, alt)


def lines(
    series: Sequence[tuple[str, Points]],
    x: tuple[float, float],
    x_label: str,
    y_label: str,
    alt: str,
    floor: float | None = None,
    *,
    marked: Sequence[float] | None = None,
    colours: Sequence[str] = SERIES,
) -> Raw:
    """Curves over `x`, the first in the accent colour, their names in the corner.

    Args:
        series: Names and points.
        x: Ends of the horizontal axis.
        x_label: Its label, with the unit.
        y_label: The other's.
        alt: What the chart shows, for those who do not see it.
        floor: Lower end of y; by default somewhat below the lowest point.
        marked: Places on `x` where points of the first curve are filled; its other points are
            rings. By default it has neither.
        colours: Classes of the curves, in turn.
    """
    ys = [y for _, points in series for _, y in points] or [0.0]
    high = max(ys)
    low = min(ys) if floor is None else floor
    span = high - low or 1
    if floor is None:
        low -= 0.06 * span
    room = 0.08 + 0.1 * len(series)  # for the names
    plot = Plot(x, (low, high + room * span), x_label, y_label)
    marks = [
        el("path", d=plot.path(points), class_=f"line {colours[place % len(colours)]}")
        for place, (_, points) in enumerate(series)
    ]
    if marked is not None:
        marks += [_point(plot, a, b, filled=a in marked) for a, b in series[0][1]]
    return plot.draw(alt, *marks, *_legend([name for name, _ in series], colours))


def _point(plot: Plot, x: float, y: float, *, filled: bool) -> Raw:
    title = el("title", f"{number(x)}: {number(y)}")
    return el(
        "circle", title, cx=plot.px(x), cy=plot.py(y), r=4, class_="point s0" if filled else "ring"
    )


def _legend(names: Sequence[str], colours: Sequence[str]) -> list[Raw]:
    out = []
    for place, name in enumerate(names):
        y = TOP + 8 + 16 * place
        out.append(
            el(
                "line",
                x1=WIDTH - RIGHT - 18,
                x2=WIDTH - RIGHT,
                y1=y,
                y2=y,
                class_=f"line {colours[place % len(colours)]}",
            )
        )
        out.append(el("text", name, x=WIDTH - RIGHT - 24, y=y + 4, class_="tick end"))
    return out


def scatter(points: Points, x: tuple[float, float], x_label: str, y_label: str, alt: str) -> Raw:
    """Dots; y starts at 0."""
    plot = Plot(x, (0, max([y for _, y in points], default=1) * 1.1 or 1), x_label, y_label)
    return plot.draw(
        alt, *(el("circle", cx=plot.px(a), cy=plot.py(b), r=2.6, class_="dot") for a, b in points)
    )


@dataclass(frozen=True)
class Row:
    """One row of a bar list: parts are drawn one after the other."""

    label: str
    parts: tuple[tuple[str, float], ...]
    value: str


def rows(items: Sequence[Row], alt: str) -> Raw:
    """Horizontal bars with labels above them, each part in a colour of its own."""
    most = max([sum(value for _, value in item.parts) for item in items], default=1) or 1
    marks: list[Raw] = []
    for place, item in enumerate(items):
        y = 36 * place
        marks.append(el("text", item.label, x=0, y=y + 13, class_="label"))
        marks.append(el("text", item.value, x=WIDTH, y=y + 13, class_="tick end"))
        marks.append(el("rect", x=0, y=y + 19, width=WIDTH, height=8, rx=4, class_="track"))
        start = 0.0
        for series, (name, value) in enumerate(item.parts):
            width = round(value / most * WIDTH, 1)
            title = el("title", f"{name}: {number(value)}")
            place_of = {"x": round(start, 1), "y": y + 19, "width": width, "height": 8}
            marks.append(
                el("rect", title, **place_of, class_=f"fill {SERIES[series % len(SERIES)]}")
            )
            start += width
    return _svg(alt, join(marks), height=36 * len(items))


def _svg(alt: str, content: Raw, height: int = HEIGHT) -> Raw:
    return el(
        "svg",
        el("title", alt),
        content,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=alt,
    )


def cross(side: int, centre: float) -> Raw:
    """A cross on an image of `side` pixels, over the pixel coordinate `centre` (0 is the middle of
    the first pixel).
    """
    at, arm = centre + 0.5, side * 0.09
    marks = [
        el(
            "path",
            d=f"M{at - arm:.2f} {at}H{at + arm:.2f}M{at} {at - arm:.2f}V{at + arm:.2f}",
            class_=name,
        )
        for name in ("halo", "cross")
    ]
    return el("svg", *marks, viewBox=f"0 0 {side} {side}", aria_hidden="true", class_="over")

"""Charts of a report: transfer curves, and noise against level."""

from __future__ import annotations

import math

from pairmill.pipeline.camera_report.words import channels
from pairmill.pipeline.html.charts import CHANNELS, LEFT, RIGHT, TOP, WIDTH, Plot, Points
from pairmill.pipeline.html.markup import Raw, el, join
from pairmill.schemas.camera_report import BlurFound, GroupFound, NoiseFound

NYQUIST = 0.5
"""Finest frequency that a photograph shows, in cycles per pixel."""
ROOM = 0.27
"""MTF50 from which on there is room for its name below the curve."""
MOST_CURVES = 60
"""Curves of photographs that are drawn."""


def transfer_chart(group: GroupFound) -> Raw:
    """The curve of a camera in its band, those of its photographs, bicubic's and the ideal one."""
    blur = group.blur
    assert blur is not None
    places = [point.frequency for point in blur.curve]
    own = [
        list(zip(places, photograph.curve, strict=True))
        for photograph in group.photographs
        if photograph.curve
    ][:MOST_CURVES]
    highest = max([1.0, *(y for curve in own for _, y in curve), *_highs(blur)])
    plot = Plot((0, 1), (0, 1.06 * highest), "cycles per pixel of the photo", "contrast left")
    marks = [
        _beyond(plot),
        el("path", d=_band(plot, blur), class_="band"),
        el("path", d=plot.path([(0, 1), (NYQUIST, 1), (NYQUIST, 0)]), class_="line ideal"),
        el("path", d=plot.path(bicubic()), class_="line s1"),
        *(el("path", d=plot.path(curve), class_="line thin") for curve in own if len(own) > 1),
        el("path", d=plot.path(_middle(blur)), class_="line s0"),
        _half(plot, blur),
        *_names(),
    ]
    alt = f"transfer curve of {group.name}: half of the contrast is left at {blur.mtf50:.2f}"
    return plot.draw(alt, *marks)


def _highs(blur: BlurFound) -> list[float]:
    return [point.contrast.high for point in blur.curve]


def _middle(blur: BlurFound) -> Points:
    return [(point.frequency, point.contrast.value) for point in blur.curve]


def _band(plot: Plot, blur: BlurFound) -> str:
    above = [(point.frequency, point.contrast.high) for point in blur.curve]
    below = [(point.frequency, point.contrast.low) for point in reversed(blur.curve)]
    return f"{plot.path([*above, *below])}Z"


def _beyond(plot: Plot) -> Raw:
    """Frequencies that a photograph shows as coarser ones."""
    start, end = plot.px(NYQUIST), plot.px(1)
    top, base = plot.py(plot.y[1]), plot.py(0)
    box = el(
        "rect", x=start, y=top, width=end - start, height=round(base - top, 1), class_="beyond"
    )
    text = el("text", "aliases", x=end - 4, y=base - 6, class_="tick end")
    return join([box, text])


def _half(plot: Plot, blur: BlurFound) -> Raw:
    """Where half of the contrast is left."""
    x, y = plot.px(blur.mtf50), plot.py(0.5)
    lines = el("path", d=f"M{LEFT} {y}H{x}V{plot.py(0)}", class_="half-mark")
    title = el("title", f"MTF50: {blur.mtf50:.3f} cycles per pixel")
    text = f"MTF50 {blur.mtf50:.2f}"
    label = el("text", text, x=x + 7, y=y - 6, class_="tick over-grid")
    if blur.mtf50 > ROOM:
        label = el("text", text, x=x - 6, y=y + 16, class_="tick end over-grid")
    return join([lines, el("circle", title, cx=x, cy=y, r=4, class_="point s0"), label])


def _names() -> list[Raw]:
    out = []
    names = (("s0", "camera"), ("s1", "bicubic"), ("ideal", "ideal"))
    for place, (class_, name) in enumerate(names):
        y, right = TOP + 8 + 16 * place, WIDTH - RIGHT - 6
        out.append(el("line", x1=right - 18, x2=right, y1=y, y2=y, class_=f"line {class_}"))
        out.append(el("text", name, x=right - 24, y=y + 4, class_="tick end"))
    return out


def bicubic() -> Points:
    """Bicubic downscaling by 2 with antialiasing (Keys, a = -0.5): its weights lie at every half
    pixel of LR; the mean over directions.
    """
    offsets = [(2 * step + 1) / 4 for step in range(-4, 4)]
    weights = [_keys(abs(offset)) for offset in offsets]
    total = sum(weights)

    def along(frequency: float) -> float:
        waves = (math.cos(2 * math.pi * frequency * offset) for offset in offsets)
        return sum(weight * wave for weight, wave in zip(weights, waves, strict=True)) / total

    angles = [math.pi * step / 16 for step in range(8)]
    points = []
    for place in range(51):
        f = place / 50
        values = [abs(along(f * math.cos(a)) * along(f * math.sin(a))) for a in angles]
        points.append((f, sum(values) / len(values)))
    return points


def _keys(x: float) -> float:
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def noise_chart(found: NoiseFound) -> Raw:
    """Points and lines of each channel."""
    points = [point for channel in channels(found).values() for point in channel]
    high = max([1.0, *(point.std for point in points)])
    plot = Plot((0, 255), (0, 1.25 * high), "brightness, levels", "noise, levels")
    marks = []
    for name, channel in channels(found).items():
        class_ = CHANNELS[name]
        path = plot.path([(point.level, point.std) for point in channel])
        if channel:
            marks.append(el("path", d=path, class_=f"line {class_}"))
        for point in channel:
            said = f"{name}: {point.std:.2f} at level {point.level:.0f}, {point.blocks:,} blocks"
            x, y = plot.px(point.level), plot.py(point.std)
            marks.append(
                el("circle", el("title", said), cx=x, cy=y, r=3.5, class_=f"point {class_}")
            )
    for place, name in enumerate(channels(found)):
        class_, x = CHANNELS[name], WIDTH - RIGHT - 62 + 28 * place
        marks.append(el("circle", cx=x, cy=TOP + 6, r=3.5, class_=f"point {class_}"))
        marks.append(el("text", name, x=x + 7, y=TOP + 10, class_="tick"))
    return plot.draw("noise against intensity level, by channel", *marks)

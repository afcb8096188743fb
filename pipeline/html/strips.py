"""Strips: HR, every op, LR, in reading order, for previews and explanations."""

from __future__ import annotations

from pairmill.pipeline.html.markup import Raw, el, join, number, pixels, unfolded
from pairmill.schemas.preview import StepView, StripView


def strip_html(strip: StripView, title: object) -> Raw:
    """HR, every op, LR, in reading order, with the op in words under each."""
    place = f"column {strip.left}, row {strip.top}"
    where = f"tile of {strip.hr_width} × {strip.hr_height} HR px at {place}"
    time = ""
    if strip.milliseconds is not None:
        time = f" · {strip.milliseconds:.3g} ms"
    note = el("span", f"{where}{time}", class_="quiet")
    head = el("header", el("b", title), el("bdi", strip.source, class_="clip"), note)
    last = len(strip.steps)
    steps = [
        _start(strip),
        *(_step(step, place, last) for place, step in enumerate(strip.steps, 1)),
    ]
    program = unfolded("Program as JSON", el("pre", strip.program, tabindex="0"))
    shown = el("ol", *steps, class_="steps", style=f"--side:{strip.side}px")
    return el("article", head, shown, program, class_="card strip")


def _start(strip: StripView) -> Raw:
    caption = el("p", "HR", class_="words")
    return el(
        "li",
        _frame(strip.hr, "HR", "HR"),
        caption,
        el("p", f"{strip.hr_width} × {strip.hr_height} px", class_="fact"),
    )


def _step(step: StepView, place: int, last: int) -> Raw:
    label = "LR" if place == last else str(place)
    fact = f"{step.width} × {step.height} px" + (
        "" if step.change is None else f" · changed by {number(round(step.change, 2))}"
    )
    tag = None
    if step.stand_in:
        tag = el("span", "placeholder", class_="tag bad")
    frame = _frame(step.picture, label, f"after {step.words}", step.inset)
    caption = join([el("p", tag, step.words, class_="words"), el("p", fact, class_="fact")])
    return el("li", frame, caption, class_="end" if place == last else None)


def _frame(picture: str, label: str, alt: str, inset: str = "") -> Raw:
    kernel = None
    if inset:
        kernel = pixels(inset, "its kernel", class_="inset")
    image = pixels(picture, alt, class_="shot")
    return el("div", image, kernel, el("b", label), class_="frame")

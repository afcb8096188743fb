"""The frame of a page with strips: the report's style sheet, and what strips add to it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from pairmill.pipeline.html.markup import Raw, el, join, number
from pairmill.pipeline.report.page import POLICY
from pairmill.schemas.preview import StepView, StripView


def document(
    title: str, brand: str, hero: Raw, parts: Sequence[tuple[str, str, Raw]], foot: object
) -> str:
    """A whole page that opens from disk.

    Args:
        title: Title of the window.
        brand: First word of the navigation.
        hero: What stands on top.
        parts: Sections: anchor, label in the navigation, markup.
        foot: What stands at the end.
    """
    style = join([_asset("page.css"), _asset("strips.css")])
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="color-scheme", content="light dark"),
        el("link", rel="icon", href="data:,"),
        el("title", title),
        el("style", style),
    )
    nav = el(
        "nav",
        el("a", brand, href="#top", class_="brand"),
        *(el("a", label, href=f"#{anchor}") for anchor, label, _ in parts),
        aria_label="Sections",
    )
    main = el("main", hero, *(html for _, _, html in parts))
    body = el("body", nav, main, el("footer", el("p", foot, class_="quiet small")), id="top")
    return f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}\n"


def _asset(name: str) -> Raw:
    return Raw(files("pairmill.pipeline.html").joinpath(name).read_text(encoding="utf-8"))


def hero(
    eyebrow: str, title: str, lead: object, facts: Sequence[tuple[str, str]], *more: object
) -> Raw:
    """The top of a page, with a few large figures."""
    stats = el(
        "ul",
        *(el("li", el("b", value), el("span", label)) for value, label in facts),
        class_="stats",
    )
    head = (el("p", eyebrow, class_="eyebrow"), el("h1", title), el("p", lead, class_="lead"))
    return el("header", *head, stats, *more, class_="hero")


def strip_html(strip: StripView, title: object) -> Raw:
    """HR, every op, LR, in reading order, with the op in words under each."""
    where = f"tile of {strip.hr_width} × {strip.hr_height} at ({strip.left}, {strip.top})"
    time = f" · {strip.milliseconds:.3g} ms" if strip.milliseconds is not None else ""
    note = el("span", f"{where}{time}", class_="quiet small")
    head = el("header", el("b", title), el("bdi", strip.source, class_="clip"), note)
    last = len(strip.steps)
    steps = [
        _start(strip),
        *(_step(step, place, last) for place, step in enumerate(strip.steps, 1)),
    ]
    program = el(
        "details", el("summary", "Program as JSON"), el("pre", strip.program, tabindex="0")
    )
    return el("article", head, el("ol", *steps, class_="steps"), program, class_="card strip")


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
        "" if step.change is None else f" · Δ {number(round(step.change, 2))}"
    )
    tag = el("span", "stand-in", class_="tag bad") if step.stand_in else None
    frame = _frame(step.picture, label, f"after {step.words}", step.inset)
    caption = join([el("p", tag, step.words, class_="words"), el("p", fact, class_="fact")])
    return el("li", frame, caption, class_="end" if place == last else None)


def _frame(picture: str, label: str, alt: str, inset: str = "") -> Raw:
    kernel = (
        el("img", src=inset, alt="its kernel", class_="pixels inset", loading="lazy")
        if inset
        else None
    )
    image = el("img", src=picture, alt=alt, class_="pixels shot", loading="lazy", decoding="async")
    return el("div", image, kernel, el("b", label), class_="frame")

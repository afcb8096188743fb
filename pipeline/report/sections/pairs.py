"""The section of pairs: HR and LR side by side, each of which turns into the other."""

from __future__ import annotations

from pipeline.report.markup import Raw, el, join, of, section
from schemas.report import PairsSection, PairView

WIDE = 256
"""Width of a crop on a desk screen, in CSS pixels, at most; a whole number of screen pixels per HR pixel."""


def pairs_html(pairs: PairsSection, scale: int) -> Raw:
    """The gallery."""
    lead = (
        f"{of(len(pairs.shown), pairs.total)}, drawn by lot from every split, degrader and image; crops of "
        f"{pairs.side} × {pairs.side} HR pixels where the tile has most detail. Point at a picture, or tap it, to see the other "
        f"one in its place."
    )
    zoom = max(1, WIDE // max(1, pairs.side))
    cards = [_card(pair, scale) for pair in pairs.shown]
    return section("pairs", "Pairs", lead, _switch(), el("div", *cards, class_="pairs", style=f"--pane:{pairs.side * zoom}px"))


def _switch() -> Raw:
    choices = [("lr-nearest", "pixels", True), ("lr-bicubic", "bicubic", False)]
    options = join(
        el("label", el("input", type="radio", name="lr", id=name, checked=first), el("span", label))
        for name, label, first in choices
    )
    hint = el("p", "Hold ", el("kbd", "F"), " to flip all pairs.", class_="hint", data_script=True)
    return el("div", el("fieldset", el("legend", "LR enlarged by"), options, class_="switch"), hint, class_="tools")


def _card(pair: PairView, scale: int) -> Raw:
    panes = el("div", _pane(pair, "HR", "LR"), _pane(pair, "LR", "HR"), class_="panes")
    kernel = el("img", src=pair.kernel, alt="kernel of this pair", class_="pixels mini", loading="lazy") if pair.kernel else None
    program = el("p", join(pair.program, " · "), class_="program")
    facts = el(
        "div",
        el("p", el("span", pair.degrader, class_="tag"), el("span", pair.split, class_="tag quiet"), el("code", pair.key)),
        program,
        el("p", el("bdi", pair.source), f" · ×{scale}", class_="quiet small"),
        class_="facts",
    )
    return el("article", panes, el("div", kernel, facts, class_="caption"), class_="card pair")


def _pane(pair: PairView, first: str, second: str) -> Raw:
    label = f"{first} of {pair.key}; press to see {second} in its place"
    return el(
        "button", _layer(pair, first, "base"), _layer(pair, second, "flip"), type="button", class_="pane", aria_label=label,
        aria_pressed="false",
    )  # fmt: skip


def _layer(pair: PairView, which: str, place: str) -> Raw:
    files = [("hr", pair.hr)] if which == "HR" else [("nearest", pair.lr), ("bicubic", pair.bicubic)]
    images = [
        el("img", src=file, alt=f"{which} crop", class_=f"pixels {kind}", loading="lazy", decoding="async")
        for kind, file in files
    ]
    return el("span", *images, el("b", which), class_=f"layer {place}")

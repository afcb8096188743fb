"""The page of a live preview: its frame; `live.js` fills it from what the session says."""

from __future__ import annotations

import json
from typing import Any

from pairmill.pipeline.html.document import POLICY, asset, document
from pairmill.pipeline.html.markup import Raw, el, join
from pairmill.schemas.live import LiveStart

LIVE_POLICY = f"{POLICY}; connect-src 'self'; base-uri 'none'; form-action 'none'"
"""As other pages, but the page may ask where it comes from."""


def page(start: LiveStart, last: dict[int, dict[str, Any]]) -> str:
    """The whole page.

    Args:
        start: What it begins with.
        last: Settings that an earlier page ended with, by degrader.
    """
    data = start.model_dump(mode="json") | {"last": last}
    parts = [("live", "", _live(start))]
    foot = join(
        [
            "Shown by pairmill from this machine, for as long as ",
            el("code", f"pairmill preview {start.recipe} --live"),
            " runs; nothing is built, and only “Save as recipe” writes anything.",
        ]
    )
    title = f"{start.corpus} · live preview"
    scripts = (_data(data), el("script", asset("live.js")))
    return document(title, start.corpus, None, parts, foot, "live.css", scripts, LIVE_POLICY)


def _data(value: Any) -> Raw:
    """JSON inside a page: nothing in it ends the element that holds it."""
    text = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
    return el("script", Raw(text), type="application/json", id="start")


def _live(start: LiveStart) -> Raw:
    head = el(
        "header",
        el("p", f"Live preview of {start.recipe}", class_="eyebrow"),
        el("h1", start.corpus),
        class_="live-head",
    )
    warnings = [el("p", text, class_="notice", role="note") for text in start.warnings]
    seen = el(
        "div",
        el("p", "", class_="quiet small", id="status", aria_live="polite"),
        _choices(start),
        class_="seen",
    )
    looked = el("div", _picture(start), seen, _realism(), _ops(), class_="looked")
    return el("section", head, *warnings, el("div", looked, _settings(), class_="live"), id="live")


def _picture(start: LiveStart) -> Raw:
    degraders = [el("option", one.label, value=place) for place, one in enumerate(start.degraders)]
    top = el(
        "div",
        _labelled("Degrader", el("select", *degraders, id="degrader")),
        _stepper("draw", "Draw", "N", "P"),
        _switch(start),
        class_="live-bar",
    )
    screen = el(
        "div",
        el(
            "div",
            el("canvas", id="left", width=1, height=1, role="img", aria_label="photo or HR"),
            el("canvas", id="right", width=1, height=1, role="img", aria_label="synthetic LR"),
            el("i", class_="cut", aria_hidden="true"),
            class_="screen",
            id="screen",
        ),
        el("b", "", id="left-name", class_="screen-name"),
        el("b", "synthetic LR", class_="screen-name right"),
        class_="screen-frame",
        id="frame",
    )
    wipe = el("input", type="range", id="wipe", min=0, max=100, value=50, step=1, aria_label="Wipe")
    busy = el("div", el("i"), class_="busy", id="busy", role="progressbar", aria_label="working")
    return el("div", top, screen, wipe, busy, class_="picture", id="picture")


def _switch(start: LiveStart) -> Raw:
    def one(value: str, label: str, *, on: bool, off: bool = False) -> Raw:
        box = el("input", type="radio", name="beside", value=value, checked=on, disabled=off)
        return el("label", box, el("span", label))

    photos = bool(start.photos)
    return el(
        "fieldset",
        el("legend", "Beside"),
        one("photo", "my photo", on=photos, off=not photos),
        one("hr", "HR", on=not photos),
        class_="switch",
        id="beside",
    )


def _choices(start: LiveStart) -> Raw:
    images = [
        el("option", f"{one.name} ({one.role})", value=place)
        for place, one in enumerate(start.images)
    ]
    photos = [el("option", one.name, value=place) for place, one in enumerate(start.photos)]
    sides = [
        el("option", f"{side} × {side}" + (" (tile)" if place == 0 else ""), value=side)
        for place, side in enumerate(start.sides)
    ]
    zooms = [el("option", "as fits", value=0), *(el("option", f"×{n}", value=n) for n in _ZOOMS)]
    photo = None
    if photos:
        photo = el(
            "div",
            _labelled("Photo", el("select", *photos, id="photo")),
            _stepper("photo-part", "part"),
            class_="live-bar",
        )
    return el(
        "div",
        el(
            "div",
            _labelled("HR of", el("select", *images, id="image")),
            _stepper("part", "part"),
            class_="live-bar",
        ),
        photo,
        el(
            "div",
            _labelled("HR pixels", el("select", *sides, id="side")),
            _labelled("Zoom", el("select", *zooms, id="zoom")),
            class_="live-bar",
        ),
        class_="choices",
    )


_ZOOMS = (1, 2, 3, 4, 6, 8)


def _labelled(label: str, control: Raw) -> Raw:
    return el("label", el("span", label, class_="quiet"), control, class_="labelled")


def _stepper(name: str, label: str, forth: str = "", back: str = "") -> Raw:
    """A number with buttons for the one before and the one after."""

    def button(sign: str, step: int, key: str) -> Raw:
        words = f"{'next' if step > 0 else 'previous'} {label.lower()}"
        title = f"{words} (key {key})" if key else words
        kind = {"type": "button", "data_for": name, "data_step": step}
        return el("button", sign, aria_label=words, title=title, class_="step", **kind)

    number = el("input", type="number", id=name, min=1, step=1, value=1, aria_label=label)
    return el(
        "span",
        el("span", label, class_="quiet"),
        button("‹", -1, back),
        number,
        button("›", 1, forth),
        class_="stepper",
    )


def _ops() -> Raw:
    return el(
        "div",
        el("h2", "What was done", class_="small-title"),
        el("ol", id="ops", class_="ops"),
        el("div", id="notes"),
        class_="card live-card",
    )


def _realism() -> Raw:
    return el(
        "div",
        el(
            "h2",
            "How distinguishable from my photos ",
            el("span", "quick", class_="tag"),
            class_="small-title",
        ),
        el("div", id="gauge", class_="gauge"),
        el("p", "", id="realism", class_="small", aria_live="polite"),
        class_="card live-card",
    )


def _settings() -> Raw:
    name = el(
        "input",
        type="text",
        id="name",
        autocomplete="off",
        spellcheck="false",
        maxlength=100,
        required=True,
    )
    saving = el(
        "form",
        el("h2", "Save as recipe", class_="small-title"),
        el(
            "p",
            "A file beside the recipe, with these settings in place of its own: it makes the same "
            "LR, bit for bit. Nothing is overwritten.",
            class_="quiet small",
        ),
        el(
            "div",
            _labelled("Name", name),
            el("button", "Save as recipe", type="submit", class_="primary"),
            class_="live-bar",
        ),
        el("p", "", id="saved", class_="small", aria_live="polite"),
        id="save",
        class_="card live-card",
    )
    return el(
        "div",
        el("p", "", id="about", class_="lead small"),
        el("p", "", id="problem", class_="notice bad", role="alert", hidden=True),
        el("div", id="panels"),
        el("button", "Back to the recipe", type="button", id="reset", class_="plain"),
        saving,
        class_="settings-of",
    )

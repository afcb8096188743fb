"""Rows of crops of the same place, each of which turns into the first one."""

from __future__ import annotations

from collections.abc import Sequence

from pairmill.pipeline.html.markup import Raw, el, join, pixels
from pairmill.schemas.evaluation import Pane, Shown

WIDE = 280
"""Width of a crop on a desk screen, in CSS pixels, at most."""
TWO, MOST = 2, 5
"""Crops of a row from which cards stand alone, and crops next to one another, at most."""


def rows_html(rows: Sequence[Shown]) -> Raw:
    """A card for each row; two side by side where rows are of two crops."""
    few = all(len(row.panes) <= TWO for row in rows)
    return el(
        "div", *(_card(row) for row in rows), class_="looks-list two" if few else "looks-list"
    )


def tools(*, differences: bool, first: str) -> Raw:
    """The switch between images and differences, and how to flip."""
    choices = [("show-picture", "images", True), ("show-difference", "differences", False)]
    options = join(
        el("label", el("input", type="radio", name="show", id=name, checked=on), el("span", label))
        for name, label, on in choices
    )
    switch = None
    if differences:
        switch = el("fieldset", el("legend", "Show"), options, class_="switch")
    hint = el(
        "p",
        f"Point at a crop, or tap it, to see {first} in its place; hold ",
        el("kbd", "F"),
        " to see it in place of all.",
        class_="hint",
    )
    return el("div", switch, hint, class_="tools")


def _card(row: Shown) -> Raw:
    head = el(
        "header",
        el("bdi", row.title, class_="name"),
        el("span", row.group, class_="tag quiet") if row.group else None,
        el("span", row.note, class_="quiet small"),
    )
    first = row.panes[0]
    panes = [_pane(row, pane, None if pane is first else first) for pane in row.panes]
    return el(
        "article",
        head,
        el("div", *panes, class_="crops", style=f"--panes:{min(MOST, len(panes))};{_sizes(row)}"),
        class_="card look",
    )


def _sizes(row: Shown) -> str:
    """How wide crops are, and may be shown: whole screen pixels for each of theirs."""
    return f"--side:{row.side}px;--most:{row.side * max(1, WIDE // row.side)}px"


def _pane(row: Shown, pane: Pane, first: Pane | None) -> Raw:
    label = f"{pane.label}, crop of {row.title}" + (
        f"; press to see {first.label} in its place" if first else ""
    )
    base = el("span", _images(pane), el("b", pane.label), class_="layer base")
    flip = None
    if first:
        flip = el(
            "span",
            _image(first.picture, first.label, ""),
            el("b", first.label),
            class_="layer flip",
        )
    button = el(
        "button", base, flip, type="button", class_="pane", aria_label=label, aria_pressed="false"
    )
    note = el("p", pane.note) if pane.note else None
    return el("div", button, note, class_="crop best" if pane.best else "crop")


def _images(pane: Pane) -> Raw:
    if not pane.difference:
        return _image(pane.picture, pane.label, "")
    difference = _image(pane.difference, f"difference of {pane.label} from HR", "diff")
    return join([_image(pane.picture, pane.label, "shot"), difference])


def _image(file: str, alt: str, kind: str) -> Raw:
    return pixels(file, alt, class_=kind)

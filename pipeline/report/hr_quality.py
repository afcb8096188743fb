"""What the source images are worth as HR, and where they are out of focus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np

from pairmill.models.functional.defocus import CELL, FOCUS, defocus_map
from pairmill.pipeline.html.markup import Raw, counted, el, fold, join, of, table, titled
from pairmill.pipeline.html.pictures import Image, grey, thumbnail
from pairmill.schemas.curation import Curated
from pairmill.schemas.curation_report import HrRow, HrSection

ROWS, PICTURES, OPEN = 100, 12, 6
"""Maximum number of images in the table, of images that are shown, and of those not folded away."""
LEAST = 0.01
"""Smallest share out of focus of an image that is shown."""
NOTE = (
    "Out of focus: share of all that is not flat. Fine detail: its power below 3.3 pixels over "
    "that of 4.5 to 8.3 pixels. Older JPEG: the quality of an earlier compression whose traces "
    "still show. Content: entropy of the gradients, in bits."
)
TINT = np.array([255.0, 122.0, 51.0])
COLUMNS = (
    "image",
    "role",
    "defocus",
    "flat",
    "enlarged",
    "fine",
    "JPEG",
    "bits",
    "verdict",
)
HEADS = (
    "image",
    "role",
    "out of focus",
    "flat",
    "enlarged",
    "fine detail",
    "older JPEG",
    "content, bits",
    "may be worth less",
)
"""Columns of the page; the terminal has less room."""


def collect_hr(
    found: Curated,
    name: Callable[[str], str],
    kind: Callable[[str], str],
    picture: Callable[[str], str],
) -> HrSection | None:
    """What was measured; none where nobody asked.

    Args:
        found: What curation found.
        name: File name of an image.
        kind: Role of an image.
        picture: Writes the image with its defocus map.
    """
    if not found.figures:
        return None
    order = sorted(
        found.figures,
        key=lambda image: (
            -len(found.verdicts.get(image, ())),
            -found.figures[image].defocus,
            image,
        ),
    )
    blurred = sorted(order, key=lambda image: -found.figures[image].defocus)[:PICTURES]
    shown = {image for image in blurred if found.figures[image].defocus >= LEAST}
    counts = Counter(str(verdict) for held in found.verdicts.values() for verdict in held)
    return HrSection(
        total=len(order),
        worth_less=len(found.verdicts),
        verdicts=dict(counts.most_common()),
        rows=tuple(
            HrRow(
                name=name(image),
                kind=kind(image),
                figures=found.figures[image],
                verdicts=found.verdicts.get(image, ()),
                picture=picture(image) if image in shown else "",
            )
            for image in order[:ROWS]
        ),
    )


def tinted(image: Image) -> Image:
    """A small (H, W, 3) image, coloured where it is out of focus."""
    # Flat cells are no number, and not out of focus.
    mask = (defocus_map(grey(image)) > FOCUS).astype(np.float64)
    small = thumbnail(image[: CELL * mask.shape[0], : CELL * mask.shape[1]], 360)
    size = (small.shape[1], small.shape[0])
    cover = 0.55 * cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)[..., None]
    return np.asarray(np.rint(small * (1 - cover) + TINT * cover), np.uint8)


def hr_lead(found: HrSection) -> str:
    """The outcome in a sentence."""
    measured = counted(found.total, "image")
    if not found.worth_less:
        return f"None of {measured} is worth less as HR than the others."
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in found.verdicts.items())
    return f"{found.worth_less:,} of {measured} may be worth less as HR: {said}."


def hr_cells(row: HrRow) -> tuple[str, ...]:
    """One line of the table, in words."""
    figures = row.figures
    return (
        row.name,
        row.kind,
        f"{figures.defocus:.0%}",
        f"{figures.flat:.0%}",
        f"x{figures.enlarged:.2f}" if figures.enlarged > 1 else "no",
        "–" if figures.fine is None else f"{figures.fine:.3f}",
        str(figures.quality) if figures.quality else "no",
        f"{figures.complexity:.1f}",
        ", ".join(row.verdicts),
    )


def hr_html(found: HrSection | None) -> Raw | None:
    """The table, and the images that are most out of focus."""
    if found is None:
        return None
    lead = el("p", hr_lead(found))
    lines = table(
        HEADS, [_line(row) for row in found.rows], "Figures of HR", frozenset(range(2, 8))
    )
    blurred = sorted((row for row in found.rows if row.picture), key=lambda r: -r.figures.defocus)
    cards = None
    if blurred:
        shown = fold([_card(row) for row in blurred], "sources", OPEN)
        cards = titled("Out of focus", "coloured where they are", shown)
    note = el("p", NOTE, class_="quiet small prose gap")
    total = of(len(found.rows), found.total)
    return titled("What they are worth as HR", total, lead, lines, note, cards)


def _line(row: HrRow) -> list[object]:
    *cells, _ = hr_cells(row)
    tags = join(el("span", str(verdict), class_="tag bad") for verdict in row.verdicts)
    return [el("bdi", cells[0], class_="path"), *cells[1:], tags]


def _card(row: HrRow) -> Raw:
    picture = el("img", src=row.picture, alt=f"defocus of {row.name}", loading="lazy")
    caption = el(
        "figcaption",
        el("bdi", row.name, class_="clip name"),
        el("span", f"{row.figures.defocus:.0%} out of focus", class_="quiet"),
    )
    return el("figure", el("div", picture, el("b", row.kind), class_="frame"), caption)

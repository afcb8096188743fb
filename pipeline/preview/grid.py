"""All strips of a preview in one image, for places where a page does not fit."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from pairmill.pipeline.html.captions import LINE, wrapped
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import Image
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.report.contact_sheet import INK, PAPER, QUIET
from pairmill.schemas.preview import DegraderView, PreviewData, StripView

PANE, GAP, MARGIN = 192, 26, 24
COLUMNS = 8
"""Images in a row; longer programs continue in the next one."""
MOST = 160
"""Images beyond which fewer draws of each degrader are shown."""
LINES = 4
"""Lines that there may be under an image."""
HEADING = 52
ACCENT = (168, 64, 15)


def grid(data: PreviewData, picture_files: PictureFiles) -> Image:
    """The image, (H, W, 3): grouped by degrader, a row per program, HR first, LR last."""

    def read(name: str) -> Image:
        return decode_png(picture_files.storage.read(f"{picture_files.folder}/{name}"))

    groups = [(one, one.strips[: _rows(data)]) for one in data.degraders if one.strips]
    columns = min(
        COLUMNS, max((1 + len(strip.steps) for _, strips in groups for strip in strips), default=1)
    )
    width = 2 * MARGIN + columns * (PANE + GAP) - GAP
    height = (
        MARGIN
        + HEADING
        + sum(HEADING + sum(_height(strip, columns) for strip in strips) for _, strips in groups)
    )
    canvas = Pillow.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, MARGIN), f"{data.name}, x{data.scale}", INK, ImageFont.load_default(26))
    top = MARGIN + HEADING
    for one, strips in groups:
        _heading(draw, one, len(strips), top)
        top += HEADING
        for strip in strips:
            _strip(canvas, draw, strip, top, columns, read)
            top += _height(strip, columns)
    return np.asarray(canvas, np.uint8)


def _rows(data: PreviewData) -> int:
    """Draws of each degrader that are shown, at least one."""
    most = max((len(one.strips) for one in data.degraders), default=1)
    for rows in range(most, 1, -1):
        if (
            sum(1 + len(strip.steps) for one in data.degraders for strip in one.strips[:rows])
            <= MOST
        ):
            return rows
    return 1


def _height(strip: StripView, columns: int) -> int:
    return -(-(1 + len(strip.steps)) // columns) * (PANE + LINES * LINE + 16)


def _heading(draw: ImageDraw.ImageDraw, one: DegraderView, shown: int, top: int) -> None:
    draw.text((MARGIN, top + 14), one.label, ACCENT, ImageFont.load_default(20))
    left = MARGIN + ImageFont.load_default(20).getlength(one.label) + 14
    more = ""
    if shown < len(one.strips):
        more = f", {shown} of {len(one.strips)} draws"
    draw.text((left, top + 20), f"{one.share}{more}", QUIET, ImageFont.load_default(13))


def _strip(
    canvas: Pillow.Image,
    draw: ImageDraw.ImageDraw,
    strip: StripView,
    top: int,
    columns: int,
    read: Callable[[str], Image],
) -> None:
    words = [
        f"HR, {strip.source}",
        *((f"{step.words} (placeholder)" if step.stand_in else step.words) for step in strip.steps),
    ]
    for place, (name, label) in enumerate(
        zip([strip.hr, *(step.picture for step in strip.steps)], words, strict=True)
    ):
        row, column = divmod(place, columns)
        left, upper = MARGIN + column * (PANE + GAP), top + row * (PANE + LINES * LINE + 16)
        pane = cv2.resize(read(name), (PANE, PANE), interpolation=cv2.INTER_NEAREST_EXACT)
        canvas.paste(Pillow.fromarray(pane), (left, upper))
        last = place == len(strip.steps)
        if place:
            _arrow(draw, left - GAP + 5, upper + PANE // 2)
        if last:
            draw.rectangle(
                (left - 2, upper - 2, left + PANE + 1, upper + PANE + 1), outline=ACCENT, width=2
            )
        colour = INK if last or not place else QUIET
        for number, line in enumerate(wrapped(f"LR: {label}" if last else label, PANE, LINES)):
            draw.text(
                (left, upper + PANE + 5 + number * LINE), line, colour, ImageFont.load_default(12)
            )


def _arrow(draw: ImageDraw.ImageDraw, left: int, middle: int) -> None:
    """An arrow of 15 pixels; Pillow's own font has none."""
    draw.line((left, middle, left + 14, middle), QUIET, 2)
    draw.line((left + 9, middle - 5, left + 14, middle, left + 9, middle + 5), QUIET, 2)

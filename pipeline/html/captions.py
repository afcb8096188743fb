"""Captions of images: texts broken into lines."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import ImageFont

SIZE, LINE = 12, 15
"""Size of the letters and height of a line, in pixels."""


def wrapped(text: str, width: int, lines: int, gap: str | None = None) -> Sequence[str]:
    """A text as at most `lines` lines of at most `width` pixels; what does not fit ends in dots.

    Lines are broken at white space, or only at `gap`.
    """
    font, out = ImageFont.load_default(SIZE), [""]
    for word in text.split(gap):
        for piece in _pieces(word, width):
            if out[-1]:
                longer = f"{out[-1]}{gap or ' '}{piece}"
            else:
                longer = piece
            if font.getlength(longer) <= width or not out[-1]:
                out[-1] = longer
            else:
                out.append(piece)
    if len(out) <= lines:
        return out
    return [*out[: lines - 1], f"{out[lines - 1][:-1]}…"]


def _pieces(word: str, width: int) -> list[str]:
    """A word, cut where it alone is wider than a line."""
    font, pieces = ImageFont.load_default(SIZE), [""]
    for char in word:
        if font.getlength(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces

"""Anchors of headings, by GitHub's rule."""

from __future__ import annotations

import re


def anchor(heading: str) -> str:
    """What a link to a heading ends with, after the `#`."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")

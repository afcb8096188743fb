"""Notes for the pages that are written, by heading, and where those pages stand."""

from __future__ import annotations

from pathlib import Path

NOTES = Path(__file__).parent / "notes"
REFERENCE = Path(__file__).parents[1] / "reference"


def sections(text: str) -> dict[str, str]:
    """Text below each `## ` heading.

    Raises:
        ValueError: if a heading stands twice, of which one would be lost.
    """
    found = dict[str, str]()
    for part in f"\n{text}".split("\n## ")[1:]:
        head, _, body = part.partition("\n")
        if head.strip() in found:
            raise ValueError(f"{head.strip()} stands twice in the notes; leave one")
        found[head.strip()] = body.strip()
    return found


def notes(name: str) -> dict[str, str]:
    """Sections of the notes of this name."""
    return sections((NOTES / f"{name}.md").read_text("utf-8"))

"""One sentence per line in Markdown, and no line above 160 characters, so that a change of a word
changes one line.

Run `python -m docs.generate.sentences [FILE ...]` to lay files out anew, all pages without a name;
`make format` does. `tests/docs/test_prose.py` holds pages to it. Code, tables, headings, images and
comments stay as they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WIDTH = 160
SHORT = ("e.g.", "i.e.", "al.", "cf.", "vs.", "approx.", "incl.", "etc.")
"""Words whose full stop ends no sentence."""
FENCE = re.compile(r"\s*(```+|~~~+)")
ITEM = re.compile(r"\s*(?:[-*+]|\d+\.)\s+")
ALONE = re.compile(r"\s*(?:#|\||!\[|<|!!!|\?\?\?|===)")
WHOLE = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)")
"""What is never broken: code and links."""
MARKUP = re.compile(r"(?:\d+[.)]|[-+*#>|]) ")
"""What begins a list, a heading or a table where it begins a line."""
NEXT = re.compile(r" (?=[A-Z`*\[(\"\u201c0-9]|pairmill\b)")
"""What stands between two sentences, seen from its end."""


@dataclass(frozen=True)
class Paragraph:
    """Lines that belong together, without their indent, and how the first and the others begin."""

    number: int
    first: str
    rest: str
    lines: tuple[str, ...]


def blocks(text: str) -> Iterator[str | Paragraph]:
    """The lines of a page: those that stay as they are, and its paragraphs."""
    found: Paragraph | None = None
    fence = ""
    for number, line in enumerate(text.split("\n"), 1):
        begins = FENCE.match(line)
        item = ITEM.match(line)
        stays = fence or begins or not line.strip() or ALONE.match(line)
        if found and (stays or item):
            yield found
            found = None
        if stays:
            if fence:
                fence = "" if line.strip() == fence else fence
            elif begins:
                fence = begins[1]
            yield line
        elif item:
            found = Paragraph(number, item[0], " " * len(item[0]), (line[len(item[0]) :],))
        elif found:
            found = Paragraph(found.number, found.first, found.rest, (*found.lines, line.strip()))
        else:
            indent = " " * (len(line) - len(line.lstrip()))
            found = Paragraph(number, indent, indent, (line.strip(),))
    if found:
        yield found


def sentences(text: str) -> list[str]:
    """Sentences of a paragraph; those in brackets are part of the one around them."""
    hidden = WHOLE.sub(lambda match: "`" + "x" * (len(match[0]) - 2) + "`", text)
    parts, start, depth = [], 0, 0
    for place, sign in enumerate(hidden):
        depth = max(0, depth + (sign == "(") - (sign == ")"))
        if sign in ".!?":
            end = place + 1
            while hidden[end : end + 1] in ("*", "_", '"', "\u201d", ")"):
                end += 1
            inside = depth - hidden[place + 1 : end].count(")")
            word = hidden[: place + 1].rsplit(" ", 1)[-1].lstrip('([*"')
            if inside <= 0 and NEXT.match(hidden, end) and word not in SHORT:
                parts.append(text[start:end].strip())
                start = end
    return [part for part in (*parts, text[start:].strip()) if part]


def broken(sentence: str, first: str, rest: str) -> list[str]:
    """A sentence in lines of at most `WIDTH`, broken after a clause where there is one."""
    lines, lead = [], first
    while len(lead) + len(sentence) > WIDTH and (place := _break(sentence, WIDTH - len(lead))):
        lines.append(lead + sentence[:place].rstrip())
        sentence, lead = sentence[place:].lstrip(), rest
    return [*lines, lead + sentence]


def _break(sentence: str, room: int) -> int:
    """Where a sentence is broken; 0 where it cannot be."""
    whole = [match.span() for match in WHOLE.finditer(sentence)]
    free = [
        match.start()
        for match in re.finditer(" ", sentence[: room + 1])
        if not any(start < match.start() < end for start, end in whole)
        and not MARKUP.match(sentence, match.end())
    ]
    for signs, least in ((";:", 40), (",)\u2013\u2014", 60)):
        after = [place for place in free if sentence[place - 1] in signs and place > least]
        if after:
            return after[-1]
    return free[-1] if free else 0


def laid_out(text: str) -> str:
    """A page with one sentence per line."""
    lines = list[str]()
    for block in blocks(text):
        if isinstance(block, str):
            lines.append(block)
            continue
        lead = block.first
        for sentence in sentences(" ".join(block.lines)):
            lines += broken(sentence, lead, block.rest)
            lead = block.rest
    return "\n".join(lines)


def pages() -> list[Path]:
    """All pages that are kept so; the changelog is a list."""
    there = [ROOT / "docs", ROOT / "benchmarks/results", ROOT / "findings"]
    found = [page for folder in there for page in folder.rglob("*.md")]
    return sorted([*found, *(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md")])


def main(paths: Iterable[Path]) -> None:
    """Lay files out anew."""
    for path in paths:
        path.write_text(laid_out(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or pages())

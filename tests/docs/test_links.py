"""Every relative link in the project's Markdown files leads to a file, and to a heading of it;
every module that they name is there.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "data").glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks/results").glob("*.md"),
        ROOT / "findings/README.md",
    ]
    if ROOT / "docs/generate" not in path.parents  # parts of pages in docs/reference, links and all
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MODULE = re.compile(
    r"`((?:pairmill|schemas|models|pipeline|flows|tests|docs|benchmarks)/[\w./]+\.py)`"
)
"""A module as pages name it; `mine.py` is what CONTRIBUTING calls a module to be written."""
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def anchors(page: str) -> set[str]:
    """Anchors of the headings of a page, by GitHub's rule."""
    headings = re.findall(r"^#+ (.*)", FENCE.sub("", page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def broken(path: Path, text: str) -> list[str]:
    """Relative links of a page that lead nowhere."""
    links = (link for link in LINK.findall(CODE.sub("", text)) if "://" not in link)
    return [link for link in links if not leads(path, *link.partition("#")[::2])]


def leads(path: Path, name: str, anchor: str) -> bool:
    """Whether a link on the page at `path` leads to a file, and to a heading of it."""
    target = (path.parent / name).resolve() if name else path
    return target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert broken(path, path.read_text("utf-8")) == []


def test_a_missing_file_and_a_missing_heading_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# There\n\n## It's `here` (x2)\n")
    page = "[a](there.md) [b](there.md#its-here-x2) [c](gone.md) [d](there.md#gone) `[e](code.md)`"
    assert broken(tmp_path / "page.md", page) == ["gone.md", "there.md#gone"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_modules_are_there(path: Path) -> None:
    named = {name for name in MODULE.findall(path.read_text("utf-8")) if "/mine.py" not in name}
    assert {name for name in named if not (ROOT / name).exists()} == set()

"""Pages have one sentence per line, and no line of prose above 160 characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate.sentences import WIDTH, blocks, laid_out, main, pages, sentences
from tests.support.paths import ROOT


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_line_is_a_sentence(path: Path) -> None:
    """Fails after a text was written otherwise: run `make format`."""
    text = path.read_text("utf-8")
    assert laid_out(text) == text, "run `make format`, or `python -m docs.generate.sentences FILE`"
    prose = [line for block in blocks(text) if not isinstance(block, str) for line in block.lines]
    assert [line for line in prose if len(line) > WIDTH] == []


def test_what_is_laid_out_says_the_same(tmp_path: Path) -> None:
    long = ", ".join(f"Part {number} of a long sentence" for number in range(12))
    given = (
        "# One. Two.\n\nFirst. `Second. Half` is. pairmill is third (et al. Fourth? In brackets.)\n"
        f"and goes on. 5 is [a link. With a stop](a.md).\n\n1. An item. Its second.\n   {long}.\n\n"
        "| a. B | c. D |\n|---|---|\n\n```\ncode. Stays.\n```\n"
    )
    laid = laid_out(given)
    assert laid.split() == given.split()
    assert laid == laid_out(laid)
    lines = laid.splitlines()
    assert lines[2:6] == [
        "First.",
        "`Second. Half` is.",
        "pairmill is third (et al. Fourth? In brackets.) and goes on.",
        "5 is [a link. With a stop](a.md).",
    ]
    assert lines[7:9] == ["1. An item.", "   Its second."]
    assert all(line.endswith(",") for line in lines[9:11])
    assert max(map(len, lines)) <= WIDTH
    assert lines[-6:] == ["| a. B | c. D |", "|---|---|", "", "```", "code. Stays.", "```"]
    (tmp_path / "page.md").write_text(given, "utf-8")
    main([tmp_path / "page.md"])
    assert (tmp_path / "page.md").read_text("utf-8") == laid


def test_a_stop_within_a_sentence_ends_none() -> None:
    assert sentences("As Ji et al. Say, cf. Fig 3. So e.g. This? Yes (No. Yes.) it is.") == [
        "As Ji et al. Say, cf. Fig 3.",
        "So e.g. This?",
        "Yes (No. Yes.) it is.",
    ]

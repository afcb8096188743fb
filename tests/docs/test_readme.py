"""The README: its figures are those that were measured, and it stays short."""

from __future__ import annotations

import json

import pytest

from docs.generate import results
from tests.support.paths import ROOT

PAGE = (ROOT / "README.md").read_text("utf-8")


def test_the_table_is_that_of_the_measurement() -> None:
    """Fails after a new measurement: run `make docs`."""
    assert results.page() == PAGE


def test_a_table_that_is_not_of_its_scores_is_refused() -> None:
    document = json.loads(results.MEASURED.read_text("utf-8"))
    scores = document["psnr_y"]["realsr"]
    scores[next(iter(scores))][0] += 1
    with pytest.raises(ValueError, match="realsr: 26"):
        results.rows(document)


def test_it_is_one_screen() -> None:
    assert len(PAGE.splitlines()) <= 64

"""When a fit stops, and which of its checks is kept."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairmill.models.fitting.trend import finite_or_none, keeps_up, limit, stalled

AUCS = st.lists(st.one_of(st.floats(0, 1), st.just(nan)), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("aucs", "patience", "stops"),
    [
        ([0.9, 0.8, 0.7], 2, False),
        ([0.7, 0.8], 2, False),
        ([0.9, 0.7, 0.8, 0.7], 2, True),
        ([0.7] * 9, 0, False),
        ([0.7, nan, 0.8], 1, True),
        ([0.7, nan, nan], 1, False),
        ([nan] * 5, 1, False),
        ([], 1, False),
    ],
)
def test_early_stop_waits_for_patience(aucs: list[float], patience: int, stops: bool) -> None:
    assert stalled(aucs, patience) == stops


@pytest.mark.parametrize(
    ("aucs", "kept"),
    [
        ([0.9], True),
        ([0.9, 0.8], True),
        ([0.8, 0.9], False),
        ([0.8, 0.81], True),
        ([nan], True),
        ([nan, nan], True),
        ([0.8, nan], False),
        ([0.976, 0.982], True),
        ([0.976, 0.992], False),
        ([0.985, 0.999], True),
    ],
)
def test_the_last_check_is_kept_unless_it_is_clearly_worse(aucs: list[float], kept: bool) -> None:
    assert keeps_up(aucs) == kept


@given(AUCS)
def test_what_is_kept_is_within_the_margin_of_the_lowest(aucs: list[float]) -> None:
    kept = [aucs[place] for place in range(len(aucs)) if keeps_up(aucs[: place + 1])]
    known = [value for value in aucs if value == value]
    assert not known or kept[-1] <= limit(min(known))


def test_what_was_not_measured_is_stored_as_none() -> None:
    assert finite_or_none([0.5, nan]) == (0.5, None)

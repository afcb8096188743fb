"""Bins that stay, probabilities that follow."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.pipeline.chains.narrow import (
    draw_cell,
    kept_bins,
    kept_share,
    likelier,
    narrowed,
    only_what_comes,
    options,
    shares,
)
from pairmill.pipeline.chains.settings import Setting, opened, settings, value_at, with_values
from pairmill.pipeline.fitted.run import shown
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.codec import CodecConfig

SURE = np.full(4, 0.05)
RANGE = Setting(("sigma",), "range", (0.0, 4.0))
WHOLE = Setting(("noise",), "whole", (2, 25))
CHANCE = Setting(("jpeg",), "chance", 0.5)
WEIGHTS = Setting(("methods",), "weights", {"area": 1.0, "bicubic": 0.0, "bilinear": 3.0})


def test_sub_ranges_cover_the_range() -> None:
    assert options(RANGE, 4) == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]
    assert options(WHOLE, 5) == [(2, 5), (6, 10), (11, 15), (16, 20), (21, 25)]
    assert options(Setting(("x",), "whole", (3, 4)), 8) == [(3, 3), (4, 4)]
    assert options(Setting(("x",), "log", (1.0, 100.0)), 2) == [(1.0, 10.0), (10.0, 100.0)]


def test_only_what_comes_at_all_is_tried() -> None:
    assert options(WEIGHTS, 4) == [
        {"area": 1.0, "bicubic": 0.0, "bilinear": 0.0},
        {"area": 0.0, "bicubic": 0.0, "bilinear": 1.0},
    ]
    assert shares(WEIGHTS, 4).tolist() == [0.25, 0.75]


def test_entries_that_are_never_drawn_are_left_out() -> None:
    """AVIF as likely as the two that come before it, which never come."""
    chain = CodecConfig.model_validate(
        {
            "codecs": [
                {"ops": [{"op": "jpeg", "quality": [30, 95]}]},
                {"ops": [{"op": "webp", "quality": 80}]},
                {"ops": [{"op": "avif", "quality": [20, 80]}]},
            ]
        }
    )
    (entries, *_) = settings(chain, 2)
    likely = np.array([0.001, 0.001, 3.0])
    after = with_values(chain, [(entries, narrowed(entries, likely, SURE[:3], 4))])
    assert shown(value_at(after, entries)) == "[0, 0, 3]"
    left = only_what_comes(after)
    assert [one.ops[0].op for one in left.codecs] == ["avif"]
    assert only_what_comes(chain) == chain


def test_unlikely_ends_are_dropped_and_the_middle_stays() -> None:
    assert narrowed(RANGE, np.array([0.1, 2.0, 0.3, 1.6]), SURE, 4) == (1.0, 4.0)
    assert narrowed(RANGE, np.array([0.1, 2.6, 1.2, 0.1]), SURE, 4) == (1.0, 3.0)


def test_what_is_not_sure_stays() -> None:
    assert kept_bins(np.array([0.1, 2.0]), np.array([0.9, 0.1]), 0.5) == range(2)


def test_a_tempered_likelihood_counts_as_what_it_was() -> None:
    """0.6 after a square root is 0.36 before."""
    mean = np.array([0.6, 1.1, 1.2, 1.1])
    assert narrowed(RANGE, mean, SURE, 4) == (0.0, 4.0)
    assert narrowed(RANGE, mean, SURE, 4, power=0.5) == (1.0, 4.0)


def test_a_probability_follows_and_is_left_where_nothing_speaks_against_it() -> None:
    assert narrowed(CHANCE, np.array([0.5, 1.5]), SURE[:2], 4) == 0.75
    assert narrowed(CHANCE, np.array([0.98, 1.02]), SURE[:2], 4) == 0.5
    assert narrowed(CHANCE, np.array([0.01, 1.99]), SURE[:2], 4) == 1.0  # next to never


def test_weights_follow_and_keep_their_sum() -> None:
    found = narrowed(WEIGHTS, np.array([3.0, 1 / 3]), SURE[:2], 4)
    assert found == {"area": 3.0, "bicubic": 0.0, "bilinear": 1.0}


def test_mean_likelihood_by_option() -> None:
    mean, error = likelier(np.array([0] * 4 + [1] * 4), np.array([1.0] * 4 + [3.0] * 4), 3)
    assert mean.tolist() == [1, 3, 1]  # of the third nobody knows
    assert error.tolist() == [0, 0, np.inf]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [(RANGE, (1.0, 2.0), 0.25), (WHOLE, (2, 7), 0.25), (CHANCE, 0.2, 0.7)],
)
def test_share_kept(before: Setting, after: object, kept: float) -> None:
    assert kept_share(before, after) == pytest.approx(kept)


def test_one_option_of_every_setting_is_tried_at_a_time() -> None:
    chain = opened(BsrganConfig(), 2)
    all_of = settings(chain, 2)
    cell, numbers = draw_cell(stream(0, "cell"), chain, all_of, 8)
    for setting, number in zip(all_of, numbers, strict=True):
        assert value_at(cell, setting) == options(setting, 8)[number]

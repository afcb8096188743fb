"""Streams: the same parts give the same numbers, other parts give unrelated ones."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pairmill.pipeline.rng import pick, picks, stream, stream_key

parts = st.lists(st.one_of(st.text(max_size=5), st.integers(0, 20)), max_size=4)


@given(parts, parts)
def test_keys_are_equal_only_for_equal_parts(
    first: list[str | int], second: list[str | int]
) -> None:
    assert (stream_key(*first) == stream_key(*second)) == (first == second)


def test_parts_do_not_run_together() -> None:
    lists: list[tuple[str | int, ...]] = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        ("a", "b", "c"),
        ("a", "", "bc"),
        (1, 23),
        (12, 3),
        (123,),
        ("123",),
        ("1", 23),
        (),
        ("astr:b",),
        ("a", "str:b"),
        ("1int:2",),
        (1, 2),
        ("1", 2),
    ]
    keys = [stream_key(*each) for each in lists]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 1 << 128 for key in keys)


def test_seed_and_index_do_not_collide() -> None:
    """seed + index is the classic mistake: (0, 1) and (1, 0) would be one stream."""
    first = {
        stream(seed, "draw", index).random()
        for seed, index in itertools.product(range(20), range(20))
    }
    assert len(first) == 400


def test_streams_look_independent() -> None:
    values = np.array([stream(0, "draw", f"key-{n}").random(64) for n in range(200)])
    assert abs(values.mean() - 0.5) < 0.01
    assert abs(values.var() - 1 / 12) < 0.003
    correlation = np.corrcoef(values)[np.triu_indices(200, 1)]
    assert abs(correlation.mean()) < 0.005
    assert np.abs(correlation).max() < 0.65


def test_same_stream_in_another_process() -> None:
    """No hash seed, no state of this process."""
    code = (
        "from pairmill.pipeline.rng import stream; print(repr(stream(3, 'draw', "
        "'é').random(3).tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(stream(3, "draw", "é").random(3).tolist())


def test_pick_is_uniform_and_takes_one_double() -> None:
    rng, twin = stream("pick"), stream("pick")
    values = [pick(rng, 7) for _ in range(7000)]
    assert values == [min(int(twin.random() * 7), 6) for _ in range(7000)]
    counts = np.bincount(values, minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 1000).max() < 130


def test_picks_are_single_picks() -> None:
    counts = [3, 1, 1000, 2, 7]
    rng = stream(0, "single")
    assert picks(stream(0, "single"), counts) == [pick(rng, count) for count in counts]


@given(st.integers(1, 1 << 40))
def test_pick_stays_below_the_count(count: int) -> None:
    class Top:
        def random(self) -> float:
            return 1 - 2.0**-53

    assert pick(Top(), count) == count - 1  # type: ignore[arg-type]

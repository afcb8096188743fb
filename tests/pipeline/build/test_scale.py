"""Memory stays flat from 100 to 100,000 samples; seals and listings of many files ask a store many
things at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.workspace.storage import Storage
from tests.support.paths import ROOT


def measured(samples: int, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.big_build", str(samples), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    print(done.stdout)  # noqa: T201 - the figures of docs/how-to/scale.md
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_memory_is_flat_from_100_to_100_000_samples(tmp_path: Path) -> None:
    """One process plans, works and seals all of it; 1000 times the samples may cost no more than a
    quarter."""
    few, some, many = (measured(count, tmp_path / str(count)) for count in (100, 10_000, 100_000))
    assert (few["samples"], many["shards"] > 100) == (100, True)
    assert many["samples"] >= 100_000
    for moment in ("worked", "sealed"):
        assert many[moment] <= 1.25 * few[moment]
        assert many[moment] <= 1.15 * some[moment]


def test_a_store_is_asked_many_things_at_a_time_and_answers_stay_in_order() -> None:
    """Eight calls that wait for each other end only if they run at once."""
    barrier = threading.Barrier(8, timeout=30)
    assert Storage("memory://scale/each").each(
        lambda item: (barrier.wait(), item)[1], range(8)
    ) == list(range(8))


def test_a_disk_is_asked_one_thing_after_the_other(tmp_path: Path) -> None:
    threads = Storage(str(tmp_path)).each(lambda _: threading.get_ident(), range(4))
    assert set(threads) == {threading.get_ident()}

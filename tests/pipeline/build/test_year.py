"""A year of monthly builds with pools: at its end every version comes out again, from the images as
they lie then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.build.reproduce import Bench, reproduce
from pairmill.pipeline.corpora.diff import diff
from pairmill.pipeline.corpora.gc import collect
from pairmill.pipeline.corpora.log import find_version, read_log
from pairmill.pipeline.corpora.tags import set_tag
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.runner.execution import SerialExecutor
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.diff import Outcome, Reproduction
from pairmill.schemas.errors import UserError
from pairmill.schemas.gc import KeepConfig
from tests.support.make import Counting, build, photograph, save, tiny_recipe

DEGRADERS = [{"kind": "realsr", "weight": 3}, {"kind": "bicubic"}]
CHANGED, RENAMED = 5, 8
"""Months in which the recipe changes, and in which an image gets another name."""


@dataclass
class Year:
    """A folder of photos that grows, and the corpus that is built of it each month."""

    folder: Path
    storage: Storage
    manifests: list[CorpusManifest] = field(default_factory=list)
    ingested: list[int] = field(default_factory=list)
    """Images that were decoded in each month."""

    def month(self, number: int) -> None:
        """A new real and a new clean photo, and a build."""
        save(photograph(number, 71, 67), self.folder / f"real/{number}.png")
        save(photograph(50 + number, 67, 75, noise=0), self.folder / f"clean/{number}.png")
        if number == RENAMED:
            (self.folder / "real/0.png").rename(self.folder / "real/the first.png")
        self.build(number)

    def build(self, number: int) -> None:
        changes: dict[str, Any] = {"degraders": DEGRADERS, "realism": {"enabled": False}}
        changes |= {"samples_per_tile": 2} if number >= CHANGED else {}
        counting = Counting()
        self.manifests.append(
            build(tiny_recipe(self.folder, **changes), self.storage.url, watcher=counting)
        )
        self.ingested.append(counting.computed["ingest"])

    def reproduced(self, number: int, bench: Path) -> Reproduction:
        """The version of a month, made again in an empty folder."""
        place = Bench(Profile(str(bench)), SerialExecutor(), Counting())
        return reproduce(self.storage, self.manifests[number], place, [str(self.folder)])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_version_of_a_year_reproduces(tmp_path: Path) -> None:
    year = Year(tmp_path / "photos", Storage(str(tmp_path / "workspace")))
    for number in range(12):
        year.month(number)
    storage, manifests = year.storage, year.manifests
    year.build(12)  # nothing new
    assert manifests.pop() == manifests[-1]
    assert year.ingested.pop() == 0
    assert [entry.version for entry in read_log(storage, "tiny")] == [
        manifest.version for manifest in manifests
    ]
    assert len({manifest.digest for manifest in manifests}) == 12
    assert (
        year.ingested == [2] * RENAMED + [3] + [2] * 3
    )  # the new ones, and what lies under a new name
    for number, manifest in enumerate(manifests):
        found = year.reproduced(number, tmp_path / f"bench{number}")
        assert (found.outcome, found.digest) == (Outcome.IDENTICAL, manifest.digest), found
        assert not found.from_pools  # fits and all
    for old, new in pairwise(manifests):
        found_diff = diff(storage, old, new)
        assert (len(found_diff.images_added), len(found_diff.images_removed)) == (2, 0)
        assert bool(found_diff.recipe) == (manifests.index(new) == CHANGED)
    set_tag(storage, f"tiny@{manifests[2].version}", "spring", "2026-03-01T00:00:00Z")
    collect(storage, KeepConfig(last=2, days=0), datetime(2030, 1, 1, tzinfo=UTC))
    for number, manifest in enumerate(manifests):
        reference = f"tiny@{manifest.version}"
        if number in (2, 10, 11):
            assert verify(storage, find_version(storage, reference)).ok
            assert year.reproduced(number, tmp_path / f"after{number}").outcome == Outcome.IDENTICAL
        else:
            with pytest.raises(UserError, match="was deleted"):
                find_version(storage, reference)

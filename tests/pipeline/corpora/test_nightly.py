"""The nightly check: which versions, which samples, and what damage it tells."""

from __future__ import annotations

import pytest

from pairmill.pipeline.corpora.log import read_log, read_manifest
from pairmill.pipeline.corpora.nightly import check, drawn
from pairmill.pipeline.corpora.tags import set_tag
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import GC, holding
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import BusyError, UserError
from pairmill.schemas.nightly import NightlyReport
from tests.support.make import Tiny

DAY = "2026-11-21"


def newest(storage: Storage) -> CorpusManifest:
    return read_manifest(storage, "tiny", read_log(storage, "tiny")[-1].version)


def test_all_is_as_sealed_and_the_report_is_written(tiny_copy: Tiny) -> None:
    storage = Storage(str(tiny_copy.workspace))
    set_tag(storage, "tiny", "released", "2026-01-01T00:00:00Z")
    report = check(storage, DAY, 1.0)
    manifest = newest(storage)
    total = sum(manifest.identity.samples.values())
    (row,) = report.versions
    assert report.ok
    assert (row.version, row.tags, row.newest, row.samples, row.replayed) == (
        manifest.version,
        ("released",),
        True,
        total,
        total,
    )
    assert NightlyReport.model_validate_json(storage.read(layout.nightly_report(DAY))) == report
    assert (
        report.words()
        == f"1 version, {total} samples: all checksums match, {total} replayed and identical"
    )


def test_a_day_draws_the_same_samples_and_another_day_others(tiny: Tiny) -> None:
    storage = Storage(str(tiny.workspace))
    manifest = newest(storage)
    total = sum(manifest.identity.samples.values())
    days = [f"2026-11-{day:02}" for day in range(1, 29)]
    draws = [tuple(drawn(storage, manifest, day, 0.2)) for day in days]
    assert draws == [tuple(drawn(storage, manifest, day, 0.2)) for day in days]
    assert {len(set(draw)) for draw in draws} == {-(-total // 5)}
    assert len(set(draws)) > 14
    assert len({key for draw in draws for key in draw}) > total / 2
    assert drawn(storage, manifest, DAY, 0.0) == []


def test_an_lr_that_replays_otherwise_is_named(tiny_copy: Tiny) -> None:
    """Shard and table stay, the noise of one pool goes: verify tells the pool, and replay cannot
    draw from it."""
    storage = Storage(str(tiny_copy.workspace))
    manifest = newest(storage)
    pool = layout.corpus_pool("tiny", manifest.version, manifest.identity.pools[0].kind)
    chunk = max(
        (name for name in storage.files(pool) if "/c/" in name),
        key=lambda name: storage.size(f"{pool}/{name}"),
    )
    data = bytearray(storage.read(f"{pool}/{chunk}"))
    data[len(data) // 2] ^= 1
    storage.write(f"{pool}/{chunk}", bytes(data))
    report = check(storage, DAY, 1.0)
    assert not report.ok
    assert [finding.fault for finding in report.versions[0].findings] == ["pool-differs"]
    assert report.words().endswith(f"not match their checksums: tiny@{manifest.version}")


def test_a_damaged_log_and_a_lost_version_are_told_and_the_rest_is_checked(tiny_copy: Tiny) -> None:
    storage = Storage(str(tiny_copy.workspace))
    storage.write(layout.corpus_log("broken"), b"no json\n")
    storage.write(layout.corpus_log("lost"), storage.read(layout.corpus_log("tiny")))
    rows = {row.corpus: row for row in check(storage, DAY).versions}
    assert "the log of a corpus is damaged" in rows["broken"].problem
    assert "not there" in rows["lost"].problem
    assert rows["tiny"].ok


def test_it_does_not_look_while_versions_are_deleted(tiny_copy: Tiny) -> None:
    storage = Storage(str(tiny_copy.workspace))
    with holding(storage, GC, "gc"), pytest.raises(BusyError):
        check(storage, DAY)


@pytest.mark.parametrize(("date", "share"), [("yesterday", 0.01), (DAY, 1.5), (DAY, -0.1)])
def test_nonsense_is_refused(tiny: Tiny, date: str, share: float) -> None:
    with pytest.raises(UserError):
        check(Storage(str(tiny.workspace)), date, share)

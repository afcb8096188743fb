"""Collecting garbage: what stays, what goes, what becomes free; and a year of builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.corpora.diff import diff, read_sources
from pairmill.pipeline.corpora.gc import VERSION, collect, find_garbage
from pairmill.pipeline.corpora.log import find_version, read_log
from pairmill.pipeline.corpora.tags import delete_tag, set_tag
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import making
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, LogEntry
from pairmill.schemas.errors import BusyError, UserError
from pairmill.schemas.gc import Garbage, KeepConfig
from tests.support.make import Counting, build, photograph, save, tiny_recipe, tree
from tests.support.versions import PLAIN, Growing

NEVER, NOW = KeepConfig(last=1, days=0), datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Growing:
    """Three versions, the last two with one more image each."""
    folder = tmp_path_factory.mktemp("grown")
    growing = Growing(folder / "photos", Storage(str(folder / "workspace")))
    growing.add(1, 2, 3, 4)
    growing.build()
    for seed in (5, 6):
        growing.add(seed)
        growing.build()
    return growing


@pytest.fixture
def growing(grown: Growing, tmp_path: Path) -> Growing:
    """A copy of it, with the links between stages and versions."""
    subprocess.run(["cp", "-a", grown.storage.url, tmp_path / "workspace"], check=True)
    return Growing(grown.folder, Storage(str(tmp_path / "workspace")))


def versions(storage: Storage) -> list[str]:
    return [entry.version for entry in read_log(storage, "tiny")]


def going(garbage: Garbage) -> list[str]:
    return [version.version for version in garbage.going]


def used(folder: str) -> int:
    """Bytes of all files below a folder, each once however many names it has."""
    paths = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    return sum(
        {
            (status.st_dev, status.st_ino): status.st_size
            for status in (path.lstat() for path in paths)
        }.values()
    )


def test_the_newest_stays_and_stages_of_it(growing: Growing) -> None:
    storage, (one, two, three) = growing.storage, versions(growing.storage)
    before = tree(Path(storage.url))
    garbage = find_garbage(storage, NEVER, NOW)
    assert tree(Path(storage.url)) == before  # a look deletes nothing
    assert going(garbage) == [one, two]
    assert [version.kept for version in garbage.versions] == ["", "", "the newest"]
    was = used(storage.url)
    logs = sum(Path(storage.path(name)).stat().st_size for name in (layout.corpus_log("tiny"),))
    assert collect(storage, NEVER, NOW) == garbage
    grown = Path(storage.path(layout.corpus_log("tiny"))).stat().st_size - logs
    assert was - used(storage.url) + grown == garbage.bytes > 0
    assert storage.names(layout.corpus_folder("tiny")) == sorted(
        [three, "log.jsonl", "sources.json"]
    )
    assert storage.files("places/tiny") == [f"{three}/images.json"]
    assert verify(storage, find_version(storage, "tiny")).ok
    counting = Counting()
    growing_recipe = tiny_recipe(
        growing.folder, images={"clean": [f"{growing.folder}/clean"]}, **PLAIN
    )
    assert build(growing_recipe, storage.url, watcher=counting).version == three
    assert set(counting.computed.values()) == {0}  # a rerun finds all it needs
    assert find_garbage(storage, NEVER, NOW).empty
    with pytest.raises(UserError, match="was deleted by `pairmill corpus gc`"):
        find_version(storage, f"tiny@{one}")


def test_hard_links_count_when_the_last_name_goes(growing: Growing) -> None:
    """Each version holds links to its stages and shares shards with the others: the sizes of its
    files say too much."""
    storage, (one, _, _) = growing.storage, versions(growing.storage)
    folder = Path(storage.path(layout.version_folder("tiny", one)))
    assert any(path.stat().st_nlink > 2 for path in folder.glob("shards/*"))
    log = Path(storage.path(layout.corpus_log("tiny")))
    was, log_was = used(storage.url), log.stat().st_size
    sizes = sum(path.stat().st_size for path in Path(storage.url).rglob("*") if path.is_file())
    freed = collect(storage, NEVER, NOW).bytes
    left = sum(path.stat().st_size for path in Path(storage.url).rglob("*") if path.is_file())
    assert freed == was - used(storage.url) + log.stat().st_size - log_was
    assert freed < sizes - left


def test_tags_age_and_number_keep_versions(growing: Growing) -> None:
    storage, (one, two, three) = growing.storage, versions(growing.storage)
    set_tag(storage, f"tiny@{one}", "first", "2026-01-01T00:00:00Z")
    assert going(find_garbage(storage, NEVER, NOW)) == [two]
    assert find_garbage(storage, NEVER, NOW).versions[0].kept == "tagged first"
    assert going(find_garbage(storage, KeepConfig(last=2, days=0), NOW)) == []
    age = (NOW - datetime.now(UTC)).total_seconds() / 86400
    assert going(find_garbage(storage, KeepConfig(last=1, days=age + 1), NOW)) == []
    assert find_garbage(
        storage, KeepConfig(last=1, days=age + 1), NOW
    ).empty  # nor stages, nor units
    assert going(find_garbage(storage, KeepConfig(last=1, days=age - 1), NOW)) == [two]
    delete_tag(storage, f"tiny@{one}", "first")
    assert going(collect(storage, NEVER, NOW)) == [one, two]
    assert [version.version for version in find_garbage(storage, NEVER, NOW).versions] == [three]


def test_a_clock_that_was_set_back_makes_no_version_old(growing: Growing) -> None:
    storage, (one, two, three) = growing.storage, versions(growing.storage)
    times = {
        one: "2029-12-31T00:00:00Z",
        two: "1999-01-01T00:00:00Z",
        three: "2029-12-31T12:00:00Z",
    }
    lines = [entry.with_(time=times[entry.version]) for entry in read_log(storage, "tiny")]
    storage.write(
        layout.corpus_log("tiny"), "".join(f"{line.canonical_json()}\n" for line in lines).encode()
    )
    assert going(find_garbage(storage, KeepConfig(last=1, days=10), NOW)) == []
    assert (
        going(find_garbage(storage, KeepConfig(last=1, days=10), datetime(1998, 1, 1, tzinfo=UTC)))
        == []
    )
    assert going(find_garbage(storage, KeepConfig(last=1, days=10), NOW + timedelta(days=20))) == [
        one,
        two,
    ]


def test_one_corpus_alone(growing: Growing) -> None:
    storage = growing.storage
    growing.build(name="other", seed=5)
    growing.build(name="other", seed=6)
    garbage = collect(storage, NEVER, NOW, "tiny")
    assert {version.corpus for version in garbage.going} == {"tiny"}
    assert len(read_log(storage, "other")) == 2
    assert all(
        verify(storage, find_version(storage, f"other@{e.version}")).ok
        for e in read_log(storage, "other")
    )
    assert len(collect(storage, NEVER, NOW).going) == 1


def test_a_version_whose_pools_are_used_stays(growing: Growing) -> None:
    storage, (one, _, _) = growing.storage, versions(growing.storage)
    growing.build(pools_from=f"tiny@{one}", seed=9)
    garbage = find_garbage(storage, NEVER, NOW)
    assert one not in going(garbage)
    assert garbage.versions[0].kept == "tiny draws from its pools"


def test_nothing_is_deleted_while_something_is_built(growing: Growing) -> None:
    storage = growing.storage
    before = tree(Path(storage.url), ["locks/"])
    with making(storage, "anything"), pytest.raises(BusyError, match="working on this"):
        collect(storage, NEVER, NOW)
    assert tree(Path(storage.url), ["locks/"]) == before
    assert going(collect(storage, NEVER, NOW))


@pytest.mark.parametrize("after", [0, 1, 2, 5, 9])
def test_a_kill_in_between_is_made_up_for(
    growing: Growing, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, remove = growing.storage, Storage.remove
    removed: list[str] = []

    def dying(self: Storage, name: str) -> None:
        if "/" in name and not name.startswith("locks") and len(removed) >= after:
            raise KeyboardInterrupt
        removed.append(name)
        remove(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "remove", dying)
        with pytest.raises(KeyboardInterrupt):
            collect(storage, NEVER, NOW)
    assert verify(storage, find_version(storage, "tiny")).ok
    for entry in read_log(storage, "tiny"):  # none that is half there is found
        if not entry.collected:
            assert verify(storage, find_version(storage, f"tiny@{entry.version}")).ok
    collect(storage, NEVER, NOW)
    assert find_garbage(storage, NEVER, NOW).empty
    assert (
        len([n for n in storage.names(layout.corpus_folder("tiny")) if VERSION.fullmatch(n)]) == 1
    )


def test_what_was_never_finished_goes_when_it_is_old(growing: Growing) -> None:
    storage = growing.storage
    collect(storage, NEVER, NOW)
    storage.write(layout.shard_path("tiny", "0" * 12, "x.tar"), b"x" * 1000)
    storage.write(f"{layout.unit_folder('ingest', '0' * 64)}/.half.tmp", b"x" * 100)
    assert find_garbage(storage, KeepConfig(last=1, days=1e5), NOW).empty
    garbage = find_garbage(storage, NEVER, NOW)
    assert garbage.unfinished == ("tiny/" + "0" * 12,)
    assert [(stage.stage, stage.units) for stage in garbage.stages if stage.units] == [
        ("ingest", ("0" * 64,))
    ]
    assert garbage.bytes == 1100
    collect(storage, NEVER, NOW)
    assert find_garbage(storage, NEVER, NOW).empty


def test_without_a_list_of_sources_all_stages_stay(growing: Growing) -> None:
    storage, (_, _, three) = growing.storage, versions(growing.storage)
    storage.remove(layout.version_sources("tiny", three))
    stages = tree(Path(storage.url) / "stages")
    garbage = collect(storage, NEVER, NOW)
    assert three in garbage.notes[0]
    assert tree(Path(storage.url) / "stages") == stages
    assert len(garbage.going) == 2


def test_a_version_that_was_deleted_can_be_built_again(growing: Growing, tmp_path: Path) -> None:
    storage, (one, _, three) = growing.storage, versions(growing.storage)
    collect(storage, NEVER, NOW)
    fewer = Growing(Path(shutil.copytree(growing.folder, tmp_path / "fewer")), storage)
    for seed in (5, 6):
        (fewer.folder / f"clean/{seed}.png").unlink()
    assert fewer.build().version == one
    assert find_version(storage, f"tiny@{one}").version == one
    assert [(entry.version, bool(entry.collected)) for entry in read_log(storage, "tiny")][2:] == [
        (three, False),
        (one, False),
    ]
    assert going(find_garbage(storage, NEVER, NOW)) == [three]


def test_an_object_store(tmp_path: Path) -> None:
    storage = Storage(f"memory://{tmp_path.name}-gc")
    growing = Growing(tmp_path / "photos", storage)
    growing.add(1, 2, 3)
    for seed in (4, 5):
        growing.add(seed)
        growing.build()
    size = sum(entry.bytes for entry in storage.entries(""))
    garbage = collect(storage, NEVER, NOW)
    assert len(garbage.going) == 1
    marked = len('"collected":""'.replace('""', '"2030-01-01T00:00:00Z"')) - len('"collected":""')
    assert sum(entry.bytes for entry in storage.entries("")) == size - garbage.bytes + marked
    assert verify(storage, find_version(storage, "tiny")).ok


def test_a_year_of_builds(tmp_path: Path) -> None:
    """Twelve monthly builds, images added each month, the recipe changed once: log, diffs and
    garbage stay right."""
    storage, folder = Storage(str(tmp_path / "workspace")), tmp_path / "photos"
    manifests: list[CorpusManifest] = []
    made: list[dict[str, int]] = []
    for month in range(12):
        save(photograph(month, 97, 81, noise=0), folder / f"clean/{month}.png")
        save(photograph(50 + month, 83, 75, noise=0), folder / f"clean/{50 + month}.png")
        settings: dict[str, Any] = PLAIN | {
            "seed": 1,
            "splits": {"train": 1, "val": 0},
            "shards": {"samples": 32},
        }
        settings |= {"samples_per_tile": 2} if month >= 7 else {}
        recipe, counting = (
            tiny_recipe(folder, images={"clean": [f"{folder}/clean"]}, **settings),
            Counting(),
        )
        manifests.append(build(recipe, storage.url, watcher=counting))
        made.append(counting.computed)
        _as_of(storage, month)
        if month == 4:
            set_tag(storage, "tiny", "spring", "2026-05-01T00:00:00Z")
        if month >= 6:
            collect(storage, KeepConfig(last=3, days=0), datetime(2027, 1, 1, tzinfo=UTC))
    entries = read_log(storage, "tiny")
    assert [entry.version for entry in entries] == [manifest.version for manifest in manifests]
    assert [entry.parent for entry in entries] == [
        "",
        *(manifest.version for manifest in manifests[:-1]),
    ]
    assert [not entry.collected for entry in entries] == [
        month in (4, 9, 10, 11) for month in range(12)
    ]
    _check_diffs(storage, manifests)
    for month, computed in enumerate(made):
        assert computed["ingest"] == 2  # the new images alone
        assert computed["synthesize"] <= (
            len(manifests[month].shard_names) if month in (0, 7) else 6
        )
    assert len(manifests[11].shard_names) > 30
    for month in (4, 9, 10, 11):
        assert verify(storage, manifests[month]).ok
    assert find_version(storage, "tiny@spring") == manifests[4]


def _as_of(storage: Storage, month: int) -> None:
    """The last line of the log was written on the first of that month of 2026."""
    *others, last = read_log(storage, "tiny")
    lines: list[LogEntry] = [*others, last.with_(time=f"2026-{month + 1:02d}-01T00:00:00Z")]
    storage.write(
        layout.corpus_log("tiny"), "".join(f"{line.canonical_json()}\n" for line in lines).encode()
    )


def _check_diffs(storage: Storage, manifests: list[CorpusManifest]) -> None:
    latest = diff(storage, manifests[10], manifests[11])
    assert (len(latest.images_added), len(latest.images_removed)) == (2, 0)
    assert (latest.samples.removed, latest.samples.changed) == (
        0,
        0,
    )  # old samples keep their bytes
    assert latest.samples.equal == sum(manifests[10].identity.samples.values())
    assert (
        latest.samples.added
        == sum(manifests[11].identity.samples.values()) - latest.samples.equal
        > 0
    )
    assert latest.shards.same >= latest.shards.old - 6
    since = diff(storage, manifests[4], manifests[11])
    assert [(change.path, change.old, change.new) for change in since.recipe] == [
        ("samples_per_tile", 1, 2)
    ]
    assert len(since.images_added) == 14
    assert (since.samples.removed, since.samples.changed) == (0, 0)
    assert since.samples.equal == sum(manifests[4].identity.samples.values())
    sources = read_sources(storage, manifests[4])
    assert sources is not None
    assert len(sources.images) == 10

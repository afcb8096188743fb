"""Tags: names of versions that work where versions do, that nobody loses and nobody reads half
of."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from pairmill.pipeline.corpora.log import append_log, find_version, read_log, read_tags
from pairmill.pipeline.corpora.tags import delete_tag, set_tag
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import GC, holding
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import BusyError, IntegrityError, UserError
from tests.support.make import Tiny
from tests.support.paths import ROOT
from tests.support.versions import version

NOW = "2026-05-01T00:00:00Z"


@pytest.fixture
def store(tiny: Tiny, tmp_path: Path) -> Storage:
    """Three versions of a corpus."""
    storage = Storage(str(tmp_path))
    for number in (1, 2, 3):
        publish(storage, version(tiny, number))
    return storage


def publish(storage: Storage, manifest: CorpusManifest) -> None:
    path = layout.corpus_manifest(manifest.identity.name, manifest.version)
    storage.write(path, manifest.canonical_json().encode())
    append_log(storage, manifest, NOW)


def test_a_tag_stands_for_its_version(store: Storage, tiny: Tiny) -> None:
    one, two = version(tiny, 1), version(tiny, 2)
    set_tag(store, f"tiny@{one.version}", "v1.0", NOW)
    set_tag(store, f"tiny@{two.version[:7]}", "two", NOW)
    set_tag(store, "tiny@two", "also-two", NOW)
    assert find_version(store, "tiny@v1.0") == one
    assert find_version(store, "tiny@two") == find_version(store, "tiny@also-two") == two
    assert find_version(store, "tiny") == version(tiny, 3)
    assert [(tag.name, tag.version) for tag in read_tags(store, "tiny")] == [
        ("also-two", two.version),
        ("two", two.version),
        ("v1.0", one.version),
    ]
    assert set_tag(store, "tiny@v1.0", "v1.0", "2027-01-01T00:00:00Z").time == NOW  # twice is once


def test_taking_away(store: Storage, tiny: Tiny) -> None:
    set_tag(store, "tiny", "released", NOW)
    with pytest.raises(UserError, match="has no tag 'released'"):
        delete_tag(store, f"tiny@{version(tiny, 1).version}", "released")
    delete_tag(store, "tiny", "released")  # of the older version, which only the tag says
    assert read_tags(store, "tiny") == []
    with pytest.raises(UserError, match="no versions of tiny fit 'released'"):
        find_version(store, "tiny@released")


def test_a_name_is_moved_only_on_purpose(store: Storage, tiny: Tiny) -> None:
    one = version(tiny, 1).version
    set_tag(store, f"tiny@{one}", "best", NOW)
    with pytest.raises(UserError, match="already has a tag 'best'") as caught:
        set_tag(store, "tiny", "best", NOW)
    assert one in caught.value.got
    assert "--delete" in caught.value.todo
    assert find_version(store, "tiny@best").version == one


@pytest.mark.parametrize(
    "name", ["", "A", "a b", "../x", "x/y", ".x", "-x", "abc123", "0", "é", "x" * 61, "x\n"]
)
def test_names_that_cannot_be(store: Storage, name: str) -> None:
    with pytest.raises(UserError, match="invalid tag"):
        set_tag(store, "tiny", name, NOW)
    with pytest.raises(UserError, match=r"of tiny fit|no tag"):
        delete_tag(store, f"tiny@{name}" if name else "tiny", name or "nothing")


def test_nothing_to_tag(store: Storage) -> None:
    with pytest.raises(UserError, match="no versions"):
        set_tag(store, "tiny@zzz", "x-1", NOW)
    with pytest.raises(UserError, match="no corpus"):
        set_tag(store, "other", "x-1", NOW)


def test_a_damaged_tag_is_a_clear_error(store: Storage) -> None:
    store.write(layout.tag_file("tiny", "x-1"), b"{")
    with pytest.raises(IntegrityError, match="a tag is damaged") as caught:
        find_version(store, "tiny@x-1")
    assert "x-1.json" in caught.value.where


def test_no_tag_while_garbage_is_collected(store: Storage) -> None:
    with holding(store, GC, "gc"), pytest.raises(BusyError):
        set_tag(store, "tiny", "x-1", NOW)
    assert read_tags(store, "tiny") == []


def test_of_many_that_give_one_name_one_wins(store: Storage, tiny: Tiny) -> None:
    def give(number: int) -> bool:
        try:
            set_tag(store, f"tiny@{version(tiny, number % 3 + 1).version}", "best", NOW)
        except UserError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(give, range(24)))
    winner = find_version(store, "tiny@best").version
    assert [version(tiny, n % 3 + 1).version == winner for n in range(24)] == won


WRITER = """
import sys
from pairmill.pipeline.corpora.log import append_log, read_manifest, read_log
from pairmill.pipeline.corpora.tags import set_tag
from pairmill.pipeline.workspace.storage import Storage
storage, name = Storage(sys.argv[1]), sys.argv[2]
versions = [entry.version for entry in read_log(storage, "tiny")][:3]
own = {"a": (versions[1], versions[2]), "b": (versions[0], versions[2])}[name]      # the first is news whatever came last
sys.stdin.readline()
for number in range(12):
    set_tag(storage, f"tiny@{versions[number % 3]}", f"{name}-{number}", "2026-05-01T00:00:00Z")
    append_log(storage, read_manifest(storage, "tiny", own[number % 2]), f"2026-06-{number + 1:02d}T00:00:00Z {name}")
"""  # noqa: E501


def test_two_processes_that_tag_and_log_lose_nothing(store: Storage, tmp_path: Path) -> None:
    """Every tag is there; every line that was written has its parent before it; a reader sees whole
    lines all the while."""
    pipe = subprocess.PIPE
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, name], stdin=pipe, stderr=pipe, cwd=ROOT
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    while any(writer.poll() is None for writer in writers):
        read_log(store, "tiny")
        read_tags(store, "tiny")
    assert [writer.communicate()[1] for writer in writers] == [b"", b""]
    assert {tag.name for tag in read_tags(store, "tiny")} == {
        f"{name}-{number}" for name in "ab" for number in range(12)
    }
    entries = read_log(store, "tiny")
    assert all(
        entry.parent == before.version != entry.version for before, entry in pairwise(entries)
    )
    assert {entry.time[-1] for entry in entries} == {"Z", "a", "b"}

"""Locks: one holder at a time, found stale when dead, taken over once, given back only by the
holder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pairmill.pipeline.workspace import heartbeat, layout
from pairmill.pipeline.workspace.heartbeat import silence
from pairmill.pipeline.workspace.lock import (
    GC,
    acquire,
    holding,
    is_stale,
    locks,
    making,
    read_lock,
    refuse,
    take_away,
)
from pairmill.pipeline.workspace.process import this_process
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import BusyError
from pairmill.schemas.lock import Holder
from tests.support.paths import ROOT
from tests.support.program import wait_until


@pytest.fixture(params=["local", "memory"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Storage:
    """A folder, and an object store with conditional uploads."""
    monkeypatch.setattr("pairmill.pipeline.workspace.lock.SETTLE", 0.01)
    return Storage(str(tmp_path) if request.param == "local" else f"memory://{uuid.uuid4().hex}")


def plant(storage: Storage, name: str, **changes: object) -> Holder:
    """A lock that somebody else has left."""
    holder = this_process("build of photos").with_(**changes)
    storage.write(layout.lock_file(name), holder.canonical_json().encode())
    return holder


def dead() -> dict[str, object]:
    """The number and the birth of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
    holder = {
        "pid": process.pid,
        "born": Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19],
    }
    process.kill()
    process.wait()
    return holder


def test_one_at_a_time_and_free_again(storage: Storage) -> None:
    with holding(storage, "a", "build of a") as lock:
        lock.check()
        with pytest.raises(BusyError) as caught, holding(storage, "a", "build of a"):
            pass
        assert (
            f"process {os.getpid()} on {lock.holder.host}, since {lock.holder.since}"
            in caught.value.got
        )
        assert "build of a" in caught.value.got
        assert "unlock a" in caught.value.todo
        assert caught.value.exit_code == 75
        with holding(storage, "b", "build of b"):
            assert sorted(locks(storage)) == ["a", "b"]
    assert locks(storage) == {}
    acquire(storage, "a", "again").release()


def test_freed_after_an_error(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError), holding(storage, "a", "x"):
        raise ZeroDivisionError
    assert read_lock(storage, "a") is None


def test_waiting(storage: Storage) -> None:
    first = acquire(storage, "a", "x")
    with ThreadPoolExecutor() as pool:
        second = pool.submit(acquire, storage, "a", "y", 20.0)
        first.release()
        assert second.result().holder.what == "y"


def test_a_dead_process_is_taken_over(storage: Storage) -> None:
    left = plant(storage, "a", **dead())
    assert is_stale(storage, "a", left)
    assert locks(storage) == {}
    refuse(storage, "a")
    with holding(storage, "a", "x") as lock:
        lock.check()
        assert read_lock(storage, "a") == lock.holder


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({}, False),
        ({"born": "1"}, True),  # the number belongs to another process by now
        ({"boot": "before"}, True),  # the machine was started again
        (
            {"host": "elsewhere", "born": "1"},
            False,
        ),  # cannot be seen from here, and was heard of a moment ago
        ({"machine": "another", "boot": "before"}, False),
        ({"space": "pid:[1]", "born": "1"}, False),  # another container
        ({"since": "2090-01-01T00:00:00Z"}, False),  # no clock is asked
        ({"since": "1990-01-01T00:00:00Z"}, False),
    ],
)
def test_who_is_dead(storage: Storage, changes: dict[str, object], stale: bool) -> None:
    holder = plant(storage, "a", **changes)
    assert is_stale(storage, "a", holder) == stale
    if stale:
        acquire(storage, "a", "x").check()
    else:
        with pytest.raises(BusyError):
            acquire(storage, "a", "x")
        assert read_lock(storage, "a") == holder  # untouched


@pytest.mark.parametrize(
    "far", [{"host": "elsewhere"}, {"machine": "another"}, {"space": "pid:[1]", "born": "1"}]
)
def test_who_cannot_be_seen_is_dead_after_a_long_silence(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, far: dict[str, object]
) -> None:
    holder = plant(storage, "a", **far)
    time.sleep(0.05)  # a moment that is too long for a lease of nothing
    with pytest.raises(BusyError) as caught:
        acquire(storage, "a", "x")
    assert "counts as dead after 15 silent minutes" in caught.value.todo
    assert 0 < silence(storage, layout.lock_file("a"), holder) < heartbeat.LEASE
    monkeypatch.setattr(heartbeat, "LEASE", 0.0)
    assert is_stale(storage, "a", holder)
    acquire(storage, "a", "x").release()
    here = plant(storage, "a")  # a process that is seen to live may be silent
    assert not is_stale(storage, "a", here)
    assert [name for name in storage.files("locks") if not name.startswith(".")] == ["a.json"]


def test_a_holder_gives_signs_of_life_until_it_is_done(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.01)
    with holding(storage, "a", "x") as lock:
        beat = layout.beat_file(lock.holder.token)
        assert wait_until(lambda: storage.exists(beat), 30)
        first = storage.modified(beat)
        assert wait_until(lambda: storage.modified(beat) > first, 30)
        heard = silence(storage, layout.lock_file("a"), lock.holder)
        assert heard < silence(storage, layout.lock_file("a"), this_process(""))
        assert sorted(locks(storage)) == ["a"]
    assert [name for name in storage.files("locks") if not name.startswith(".")] == []
    assert storage.modified(beat) == 0.0


def test_a_dead_holder_on_another_machine_leaves_nothing_behind(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its lock nor its signs of life, whoever takes the lock over."""
    holder = plant(storage, "a", host="elsewhere")
    storage.write(layout.beat_file(holder.token), b"")
    monkeypatch.setattr(heartbeat, "LEASE", -1.0)
    acquire(storage, "a", "x").release()
    plant(storage, "b", host="elsewhere", token=holder.token)
    storage.write(layout.beat_file(holder.token), b"")
    assert take_away(storage, "b") is not None
    assert [name for name in storage.files("locks") if not name.startswith(".")] == []


def test_a_lock_that_was_taken_away_is_not_given_back(storage: Storage) -> None:
    lock = acquire(storage, "a", "x")
    other = plant(storage, "a")
    with pytest.raises(BusyError, match="removed"):
        lock.check()
    lock.release()
    assert read_lock(storage, "a") == other
    storage.remove(layout.lock_file("a"))
    with pytest.raises(BusyError, match="removed"):
        lock.check()
    lock.release()


def test_a_damaged_lock_is_a_clear_error(storage: Storage) -> None:
    storage.write(layout.lock_file("a"), b"{")
    with pytest.raises(BusyError, match="cannot be read") as caught:
        acquire(storage, "a", "x")
    assert "a.json" in caught.value.where


def test_builds_and_gc_see_each_other(storage: Storage) -> None:
    with (
        holding(storage, GC, "gc"),
        pytest.raises(BusyError, match="working on this"),
        making(storage, "photos"),
    ):
        pass
    assert locks(storage) == {}
    with making(storage, "photos"), making(storage, "others"):
        assert sorted(locks(storage)) == ["build-others", "build-photos"]


CHILD = """
import sys
from pairmill.pipeline.workspace.lock import acquire
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import BusyError
sys.stdin.readline()
try:
    acquire(Storage(sys.argv[1]), "a", "x")
    print("mine", flush=True)
except BusyError:
    print("busy", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_processes_one_wins(tmp_path: Path, stale: bool) -> None:
    """Also where all of them find the lock of a dead process."""
    if stale:
        plant(Storage(str(tmp_path)), "a", born="1")
    command, pipe = [sys.executable, "-c", CHILD, str(tmp_path)], subprocess.PIPE
    children = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) for _ in range(6)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    said = [child.stdout.readline().strip() for child in children if child.stdout]
    assert sorted(said) == ["busy"] * 5 + ["mine"]
    holder = json.loads((tmp_path / layout.lock_file("a")).read_text())
    assert holder["pid"] == children[said.index("mine")].pid
    for child in children:  # gone without giving it back, as after SIGKILL
        child.kill()
        child.wait()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        child.stdout.close()
    acquire(Storage(str(tmp_path)), "a", "x").check()


def test_create_new_writes_whole_files_once(storage: Storage) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: storage.create_new("folder/x", bytes([n]) * 1000), range(8)))
    assert made.count(True) == 1
    assert storage.read("folder/x") == bytes([made.index(True)]) * 1000
    assert storage.names("folder") == ["x"]

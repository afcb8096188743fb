"""Locks at storage level: one process at a time, found stale when its holder is dead.

A lock is a small file that says who holds it. It appears by `Storage.create_new`, so that one of
several wins. A process that is killed leaves it; the next one on the same machine sees that the
process is gone, or that its number now belongs to another, and takes the lock over. A holder on
another machine is dead when it has not been heard of for a while: see
`pairmill.pipeline.workspace.heartbeat`. Locally a take-over happens under `flock`, so that no two
believe that they did it. On an object store it is best effort: the new holder writes, waits a
moment and reads back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pairmill.pipeline.workspace import heartbeat, layout
from pairmill.pipeline.workspace.heartbeat import beating, silence
from pairmill.pipeline.workspace.process import is_dead, this_process
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import BusyError, StoreError, UnreachableError
from pairmill.schemas.lock import Holder

SETTLE = 0.5
"""Seconds between writing over a stale lock in an object store and reading back whose it is."""
POLL = 0.02
"""Seconds between two tries of a short lock."""


@dataclass(frozen=True)
class Lock:
    """A lock that this process holds."""

    storage: Storage
    name: str
    holder: Holder

    def check(self) -> None:
        """Make sure that it is still ours.

        Raises:
            BusyError: if somebody has removed it or taken it over.
        """
        found = read_lock(self.storage, self.name)
        if found is None or found.token != self.holder.token:
            raise BusyError(
                f"the lock of this {self.holder.what} was removed",
                where=self.storage.path(layout.lock_file(self.name)),
                got=found.words() if found else "no lock",
                todo="run the same command again; finished work is found",
            )

    def release(self) -> None:
        """Give it back, unless it is somebody else's by now."""
        found = read_lock(self.storage, self.name)
        if found is not None and found.token == self.holder.token:
            self.storage.remove(layout.lock_file(self.name))
        self.storage.remove(layout.beat_file(self.holder.token))


@contextmanager
def holding(storage: Storage, name: str, what: str, wait: float = 0.0) -> Iterator[Lock]:
    """Hold a lock for as long as the block lasts.

    Args:
        storage: The workspace.
        name: Name of the lock.
        what: What is done under it, for the one who is refused.
        wait: Seconds to try for.

    Raises:
        BusyError: if a process that lives, or that cannot be judged from here, holds it.
    """
    lock = acquire(storage, name, what, wait)
    try:
        with beating(storage, lock.holder):
            yield lock
    except UnreachableError:  # the lock cannot be given back either: it is found stale
        with suppress(UnreachableError):
            lock.release()
        raise
    except BaseException:
        lock.release()
        raise
    lock.release()


def acquire(storage: Storage, name: str, what: str, wait: float = 0.0) -> Lock:
    """Take a lock; see `holding`."""
    end = time.monotonic() + wait
    while True:
        lock = Lock(storage, name, this_process(what))
        taken = _try(lock)
        if taken is None:
            return lock
        if time.monotonic() >= end:
            raise busy(storage, name, taken)
        time.sleep(POLL)


def _try(lock: Lock) -> Holder | None:
    """Take it, or say who has it."""
    file, data = layout.lock_file(lock.name), lock.holder.canonical_json().encode()
    with _alone(lock.storage):
        if lock.storage.create_new(file, data):
            return None
        found = read_lock(lock.storage, lock.name)
        if found is None:  # given back between the two looks
            if lock.storage.create_new(file, data):
                return None
            return read_lock(lock.storage, lock.name) or lock.holder
        if not is_stale(lock.storage, lock.name, found):
            return found
        lock.storage.write(file, data)
    lock.storage.remove(layout.beat_file(found.token))
    if lock.storage.local:
        return None
    time.sleep(SETTLE)
    found = read_lock(lock.storage, lock.name)
    if found and found.token == lock.holder.token:
        return None
    return found or lock.holder


@contextmanager
def _alone(storage: Storage) -> Iterator[None]:
    """No other process of this file system judges locks meanwhile, where the file system has
    `flock`.
    """
    if not storage.local:
        yield
        return
    import fcntl

    guard = Path(storage.path(f"{layout.lock_folder()}/.guard"))
    try:
        guard.parent.mkdir(parents=True, exist_ok=True)
        file = guard.open("ab")
    except OSError as error:
        raise StoreError(
            "cannot write in the workspace",
            where=str(guard.parent),
            got=error.strerror or str(error),
            todo="make the folder writable or choose another one with --workspace",
        ) from error
    with file:
        with suppress(OSError):  # without flock the link alone decides, a take-over is best effort
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_lock(storage: Storage, name: str) -> Holder | None:
    """Who holds a lock; none if nobody does."""
    file = layout.lock_file(name)
    try:
        if storage.exists(file):
            return Holder.model_validate_json(storage.read(file))
        return None
    except UnreachableError:
        raise
    except StoreError:  # given back between the two looks
        return None
    except ValueError as error:
        raise BusyError(
            "a lock cannot be read",
            where=storage.path(file),
            got=str(error).splitlines()[0],
            todo="if nothing is at work in this workspace, delete the file",
        ) from error


def take_away(storage: Storage, name: str) -> Holder | None:
    """Take a lock away from whoever has it."""
    holder = read_lock(storage, name)
    storage.remove(layout.lock_file(name))
    if holder is not None:
        storage.remove(layout.beat_file(holder.token))
    return holder


def locks(storage: Storage) -> dict[str, Holder]:
    """All locks whose holders are not known to be dead."""
    names = [
        name.removesuffix(".json") for name in storage.names(layout.lock_folder()) if _counts(name)
    ]
    held = {name: read_lock(storage, name) for name in names}
    return {
        name: holder
        for name, holder in held.items()
        if holder is not None and not is_stale(storage, name, holder)
    }


def _counts(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def busy(storage: Storage, name: str, holder: Holder) -> BusyError:
    """The error that says who is at work."""
    seen = is_dead(holder) is not None
    if seen:
        far = ""
    else:
        far = (
            "; it cannot be seen from here, and counts as dead after "
            f"{heartbeat.LEASE / 60:.0f} silent minutes"
        )
    return BusyError(
        "another process is working on this",
        where=storage.path(layout.lock_file(name)),
        got=holder.words(),
        todo=f"wait for it, or stop it{far}; if it is certainly dead, `pairmill corpus "
        f"unlock {name}`, then run "
        "the same command again, which continues from what is finished",
    )


def is_stale(storage: Storage, name: str, holder: Holder) -> bool:
    """Whether the holder is dead: its process is gone; or, if that cannot be seen from here, it has
    been silent for too long.
    """
    dead = is_dead(holder)
    if dead is None:
        return silence(storage, layout.lock_file(name), holder) > heartbeat.LEASE
    return dead


BUILD, POOLS, GC = "build-", "pools-", "gc"
"""Names of locks: of a corpus in the making, of pools in the making, and of collecting garbage."""


@contextmanager
def making(storage: Storage, name: str, prefix: str = BUILD) -> Iterator[Lock]:
    """Hold the lock of a corpus while it is built, or its pools are.

    Raises:
        BusyError: if another process builds it, or `gc` is deleting.
    """
    noun = "build" if prefix == BUILD else "pools"
    with holding(storage, f"{prefix}{name}", f"{noun} of {name}") as lock:
        refuse(storage, GC)  # after taking ours: of two that start at once, one sees the other
        yield lock


def check_room(storage: Storage) -> None:
    """Do nothing if locks can be written, as far as that can be seen without writing one.

    Raises:
        StoreError: if the folder of a workspace on this machine cannot be written.
    """
    with _alone(storage):
        pass


def refuse(storage: Storage, name: str) -> None:
    """Do nothing if a lock is free.

    Raises:
        BusyError: if it is held.
    """
    holder = read_lock(storage, name)
    if holder is not None and not is_stale(storage, name, holder):
        raise busy(storage, name, holder)

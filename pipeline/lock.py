"""Locks at storage level: one process at a time, found stale when its holder is dead.

A lock is a small file that says who holds it. It appears by `Storage.create_new`, so that one of several wins. A process that is
killed leaves it; the next one on the same machine sees that the process is gone, or that its number now belongs to another,
and takes the lock over. Locally a take-over happens under `flock`, so that no two believe that they did it. On an object store it
is best effort: the new holder writes, waits a moment and reads back. A holder on another machine cannot be judged from here.
"""

from __future__ import annotations

import os
import platform
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline import layout
from pipeline.provenance import now
from pipeline.storage import Storage
from schemas.errors import BusyError, StoreError, UnreachableError
from schemas.lock import Holder

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
                f"the lock of this {self.holder.what} was taken away", where=self.storage.path(layout.lock_file(self.name)),
                got=found.words() if found else "no lock", todo="run the same command again; finished work is found",
            )  # fmt: skip

    def release(self) -> None:
        """Give it back, unless it is somebody else's by now."""
        found = read_lock(self.storage, self.name)
        if found is not None and found.token == self.holder.token:
            self.storage.remove(layout.lock_file(self.name))


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
        yield lock
    except UnreachableError:                             # the lock cannot be given back either: it is found stale
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
        if found is None:                                # given back between the two looks
            return None if lock.storage.create_new(file, data) else read_lock(lock.storage, lock.name) or lock.holder
        if not is_stale(found):
            return found
        lock.storage.write(file, data)
    if lock.storage.local:
        return None
    time.sleep(SETTLE)
    found = read_lock(lock.storage, lock.name)
    return None if found and found.token == lock.holder.token else found or lock.holder


@contextmanager
def _alone(storage: Storage) -> Iterator[None]:
    """No other process of this file system judges locks meanwhile, where the file system has `flock`."""
    if not storage.local:
        yield
        return
    import fcntl

    guard = Path(storage.path(f"{layout.lock_folder()}/.guard"))
    try:
        guard.parent.mkdir(parents=True, exist_ok=True)
        file = guard.open("ab")
    except OSError as error:
        raise StoreError("cannot write in the workspace", where=str(guard.parent), got=error.strerror or str(error),
                         todo="make the folder writable or choose another one with --workspace") from error  # fmt: skip
    with file:
        with suppress(OSError):                          # without flock the link alone decides, a take-over is best effort
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_lock(storage: Storage, name: str) -> Holder | None:
    """Who holds a lock; none if nobody does."""
    file = layout.lock_file(name)
    try:
        return Holder.model_validate_json(storage.read(file)) if storage.exists(file) else None
    except UnreachableError:
        raise
    except StoreError:                                   # given back between the two looks
        return None
    except ValueError as error:
        raise BusyError("a lock cannot be read", where=storage.path(file), got=str(error).splitlines()[0],
                        todo="if nothing is at work in this workspace, delete the file") from error  # fmt: skip


def locks(storage: Storage) -> dict[str, Holder]:
    """All locks whose holders are not known to be dead."""
    names = [name.removesuffix(".json") for name in storage.names(layout.lock_folder()) if _counts(name)]
    held = {name: read_lock(storage, name) for name in names}
    return {name: holder for name, holder in held.items() if holder is not None and not is_stale(holder)}


def _counts(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def busy(storage: Storage, name: str, holder: Holder) -> BusyError:
    """The error that says who is at work."""
    return BusyError(
        "somebody is at work on this", where=storage.path(layout.lock_file(name)), got=holder.words(),
        todo=f"wait for it, or stop it; if it is certain that it is dead, `pairmill corpus unlock {name}`, then run the same "
        "command again, which continues from what is finished",
    )  # fmt: skip


def is_stale(holder: Holder) -> bool:
    """Whether the holder is known to be dead; a holder elsewhere, or in another container, never is."""
    here = this_process("")
    if (holder.host, holder.machine) != (here.host, here.machine):
        return False
    if holder.boot != here.boot:
        return True
    return holder.space == here.space and _born(holder.pid) != holder.born


def this_process(what: str) -> Holder:
    """What this process writes into a lock."""
    return Holder(
        what=what, host=socket.gethostname(), machine=_text("/etc/machine-id"), boot=_text("/proc/sys/kernel/random/boot_id"),
        space=_link("/proc/self/ns/pid"), pid=os.getpid(), born=_born(os.getpid()) or "", since=now(), token=uuid.uuid4().hex,
    )  # fmt: skip


def _born(pid: int) -> str | None:
    """When a process started, none if there is none; on Linux in ticks since the boot, which no setting of the clock moves."""
    if platform.system() == "Linux":
        text = _text(f"/proc/{pid}/stat")
        fields = text.rpartition(")")[2].split()         # the name before it may hold anything
        return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else None
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.0f}"
    except psutil.NoSuchProcess:
        return None


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)                         # noqa: PTH115 - the text of the link is the name
    except OSError:
        return ""


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
        refuse(storage, GC)                              # after taking ours: of two that start at once, one sees the other
        yield lock


def refuse(storage: Storage, name: str) -> None:
    """Do nothing if a lock is free.

    Raises:
        BusyError: if it is held.
    """
    holder = read_lock(storage, name)
    if holder is not None and not is_stale(holder):
        raise busy(storage, name, holder)

"""Leases: how the holder of a lock shows those who cannot see its process that it lives.

While a lock is held, an empty file next to it is written again every minute. Whoever meets a lock
of another machine writes a file of its own and lets the store tell the times of both, so that no
machine's clock is asked. A holder that was only paused (a laptop that slept) finds its lock taken
over before it seals, and stops; what it has finished is as good as anybody's.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.lock import Holder

BEAT = 60.0
"""Seconds between two signs of life."""
LEASE = 900.0
"""Seconds of silence after which a holder that cannot be seen from here counts as dead."""


@contextmanager
def beating(storage: Storage, holder: Holder) -> Iterator[None]:
    """Give signs of life for as long as the block lasts; the first is the lock itself."""
    over, writing = threading.Event(), threading.Lock()

    def beat() -> None:
        while not over.wait(BEAT):
            # A store that fails now may answer in time for the next beat.
            with writing, suppress(PairmillError):
                if not over.is_set():
                    storage.write(layout.beat_file(holder.token), b"")

    threading.Thread(target=beat, name="pairmill-beat", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        with writing:  # none comes after this
            pass


def silence(storage: Storage, lock_file: str, holder: Holder) -> float:
    """Seconds since a holder was last heard of, by the clock of the store; 0 if the store does not
    tell times.
    """
    probe = layout.beat_file(uuid.uuid4().hex)
    storage.write(probe, b"")
    try:
        present = storage.modified(probe)
    finally:
        storage.remove(probe)
    heard = max(storage.modified(lock_file), storage.modified(layout.beat_file(holder.token)))
    return present - heard if heard else 0.0

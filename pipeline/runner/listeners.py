"""Several listeners as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pairmill.pipeline.runner.stage import ProgressListener, Sealed, Stage

AnyStage = Stage[Any, Any, Any, Any, Any]


class ProgressListeners(ProgressListener):
    """Notifies several listeners."""

    def __init__(self, watchers: Sequence[ProgressListener]) -> None:
        self.watchers = watchers

    def started(self, stage: AnyStage, units: int, todo: int) -> None:
        """See `ProgressListener.started`."""
        for watcher in self.watchers:
            watcher.started(stage, units, todo)

    def advanced(self, stage: AnyStage, units: float, note: str = "") -> None:
        """See `ProgressListener.advanced`."""
        for watcher in self.watchers:
            watcher.advanced(stage, units, note)

    def sealed(self, stage: AnyStage, result: Sealed[Any], seconds: float) -> None:
        """See `ProgressListener.sealed`."""
        for watcher in self.watchers:
            watcher.sealed(stage, result, seconds)

    def doing(self, what: str, note: str = "") -> None:
        """See `ProgressListener.doing`."""
        for watcher in self.watchers:
            watcher.doing(what, note)

    def did(self, what: str, seconds: float) -> None:
        """See `ProgressListener.did`."""
        for watcher in self.watchers:
            watcher.did(what, seconds)


@contextmanager
def under_way(watcher: ProgressListener, what: str) -> Iterator[Callable[[str], None]]:
    """Tell of something that is no stage, while the block lasts; what is given says what of it is
    next.
    """
    started = time.monotonic()
    watcher.doing(what)
    yield lambda note: watcher.doing(what, note)
    watcher.did(what, time.monotonic() - started)

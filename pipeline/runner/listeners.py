"""Several listeners as one."""

from __future__ import annotations

from collections.abc import Sequence
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

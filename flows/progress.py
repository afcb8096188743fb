"""Who hears how a build progresses: the terminal's bars, the timings of the manifest, others."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from pairmill.pipeline.runner.stage import ProgressListener, Sealed, Stage
from pairmill.pipeline.training.watch import TrainingListener

AnyStage = Stage[Any, Any, Any, Any, Any]

listener: ContextVar[ProgressListener | None] = ContextVar("listener", default=None)
"""The listener that the command line has set up, if a run is under way there."""

heard: ContextVar[TrainingListener | None] = ContextVar("heard", default=None)
"""Who hears of the steps of a training, if the command line has set somebody up."""


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

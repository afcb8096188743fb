"""Who hears how a build goes on: the terminal's bars, Prefect's artifacts, the timings of the
manifest.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from pairmill.pipeline.html.markup import agreed
from pairmill.pipeline.runner.stage import ProgressListener, Sealed, Stage
from pairmill.pipeline.training.watch import TrainingListener
from pairmill.schemas.provenance import StageTiming

AnyStage = Stage[Any, Any, Any, Any, Any]

listener: ContextVar[ProgressListener | None] = ContextVar("listener", default=None)
"""The watcher that the command line has set up, if a flow runs under it."""

heard: ContextVar[TrainingListener | None] = ContextVar("heard", default=None)
"""Who hears of the steps of a training, if the command line has set somebody up."""


class ProgressListeners(ProgressListener):
    """Tells several watchers."""

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


class Timings(ProgressListener):
    """Keeps the times of stages for the manifest."""

    def __init__(self) -> None:
        self.rows: list[StageTiming] = []

    def sealed(self, stage: AnyStage, result: Sealed[Any], seconds: float) -> None:
        """See `ProgressListener.sealed`."""
        row = StageTiming(
            stage=stage.name,
            units=result.units,
            computed=result.computed,
            seconds=round(seconds, 3),
        )
        self.rows.append(row)


class ProgressArtifacts(ProgressListener):
    """A progress artifact in Prefect for every stage that has something to do, updated every few
    seconds.
    """

    EVERY = 3.0

    def __init__(self) -> None:
        self.artifact: Any = None
        self.todo, self.done, self.last, self.task = 0, 0.0, 0.0, ""

    def started(self, stage: AnyStage, units: int, todo: int) -> None:
        """See `ProgressListener.started`."""
        from prefect.artifacts import create_progress_artifact

        self.todo, self.done, self.last = todo, 0.0, time.monotonic()
        self.task = f"{stage.title}: {todo} of {units} {agreed(units, stage.noun)} to do"
        if todo:
            self.artifact = create_progress_artifact(
                0.0, key=stage.name.replace("_", "-"), description=self.task
            )

    def advanced(self, stage: AnyStage, units: float, note: str = "") -> None:  # noqa: ARG002
        """See `ProgressListener.advanced`."""
        self.done += units
        if self.artifact is not None and time.monotonic() - self.last >= self.EVERY:
            self._update(min(99.0, 100 * self.done / self.todo), note)

    def sealed(self, stage: AnyStage, result: Sealed[Any], seconds: float) -> None:  # noqa: ARG002
        """See `ProgressListener.sealed`."""
        if self.artifact is not None:
            self._update(100.0)
            self.artifact = None

    def _update(self, percent: float, note: str = "") -> None:
        from prefect.artifacts import update_progress_artifact

        update_progress_artifact(
            self.artifact, percent, f"{self.task}; {note}" if note else self.task
        )
        self.last = time.monotonic()

"""Progress of stages as artifacts of Prefect."""

from __future__ import annotations

import time
from typing import Any

from pairmill.flows.prefect_support.environment import settle

settle()

from prefect.artifacts import create_progress_artifact, update_progress_artifact  # noqa: E402

from pairmill.pipeline.html.markup import agreed  # noqa: E402
from pairmill.pipeline.runner.stage import ProgressListener, Sealed, Stage  # noqa: E402

AnyStage = Stage[Any, Any, Any, Any, Any]


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
        update_progress_artifact(
            self.artifact, percent, f"{self.task}; {note}" if note else self.task
        )
        self.last = time.monotonic()

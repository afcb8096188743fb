"""Times of the stages of a run, for the manifest."""

from __future__ import annotations

from typing import Any

from pairmill.pipeline.runner.stage import ProgressListener, Sealed, Stage
from pairmill.schemas.provenance import StageTiming


class Timings(ProgressListener):
    """Keeps how long each stage took."""

    def __init__(self) -> None:
        self.rows: list[StageTiming] = []

    def sealed(
        self, stage: Stage[Any, Any, Any, Any, Any], result: Sealed[Any], seconds: float
    ) -> None:
        """See `ProgressListener.sealed`."""
        row = StageTiming(
            stage=stage.name,
            units=result.units,
            computed=result.computed,
            seconds=round(seconds, 3),
        )
        self.rows.append(row)

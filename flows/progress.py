"""Who hears how a build progresses: the terminal's bars, the timings of the manifest, others."""

from __future__ import annotations

from contextvars import ContextVar

from pairmill.pipeline.runner.stage import ProgressListener
from pairmill.pipeline.training.watch import TrainingListener

listener: ContextVar[ProgressListener | None] = ContextVar("listener", default=None)
"""The listener that the command line has set up, if a run is under way there."""

heard: ContextVar[TrainingListener | None] = ContextVar("heard", default=None)
"""Who hears of the steps of a training, if the command line has set somebody up."""

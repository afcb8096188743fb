"""Follows a training run; this one reports nothing."""

from __future__ import annotations

from typing import Any

from pairmill.schemas.training import Score, TrainingRun

INTERRUPTED = "interrupted"
"""Why a run stops when the user asks."""


class TrainingListener:
    """Override the methods you need."""

    stop = ""
    """Why to stop after the present step; empty to continue. A rerun continues from there."""

    def begun(self, run: TrainingRun, folder: str, step: int) -> None:
        """A run starts, or continues from a step."""

    def stepped(self, step: int, images: int) -> None:
        """A step was made, on so many pairs."""

    def logged(self, line: dict[str, Any]) -> None:
        """A line of the log was written: step, losses, learning rate, images per second."""

    def validated(self, score: Score, *, best: bool) -> None:
        """A validation was made."""

    def alarmed(self, step: int, alarms: dict[str, str]) -> None:
        """Something is wrong with what joint training makes, in words by gate."""

    def kept(self, step: int) -> None:
        """A checkpoint was written."""

    def ended(self) -> None:
        """The run is over, one way or another."""

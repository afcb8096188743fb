"""The bar of a training among those of the stages."""

from __future__ import annotations

import signal
import threading
from typing import Any

from rich.markup import escape
from rich.progress import TaskID

from pairmill.flows import terminal
from pairmill.pipeline.html.markup import agreed
from pairmill.pipeline.training.watch import INTERRUPTED, TrainingListener
from pairmill.schemas.training import Score, TrainingRun


class TrainBar(TrainingListener):
    """A bar among those of the stages, and a line per validation; Ctrl-C stops after the present
    step.

    Args:
        bars: the bars of the terminal.
        interrupts: whether Ctrl-C is heard; of several processes each would hear it at another
            step.
    """

    def __init__(self, bars: terminal.Bars, *, interrupts: bool = True) -> None:
        self.progress, self.interrupts = bars.progress, interrupts
        self.task: TaskID | None = None
        self.handlers: dict[int, Any] = {}

    def begun(self, run: TrainingRun, folder: str, step: int) -> None:
        """See `TrainingListener.begun`."""
        config = run.config
        begun = (
            f"from {config.start_from.file}" if config.start_from is not None else "from scratch"
        )
        where = f"continuing from step {step}" if step else begun
        what = f"{escape(config.network.words())}, x{run.scale}, {run.parameters:,} parameters"
        self.progress.print(
            f"[bold]{config.name}[/]: {what}, on {run.corpus}@{run.version}, {escape(where)}"
        )
        self.progress.print(f"  folder   {escape(folder)}")
        self.task = self.progress.add_task(
            "train",
            total=config.steps,
            completed=step,
            noun=agreed(config.steps, "steps"),
            rate="",
            note="",
        )
        if self.interrupts and threading.current_thread() is threading.main_thread():
            self.handlers = {
                number: signal.signal(number, self._asked)
                for number in (signal.SIGINT, signal.SIGTERM)
            }

    def stepped(self, step: int, images: int) -> None:  # noqa: ARG002
        """See `TrainingListener.stepped`."""
        if self.task is not None:
            self.progress.update(self.task, completed=step)

    def logged(self, line: dict[str, Any]) -> None:
        """See `TrainingListener.logged`."""
        if self.task is not None:
            self.progress.update(
                self.task,
                rate=f"{line['images_per_second']:.1f} images/s",
                note=f"loss {line['loss']:.4g}",
            )

    def alarmed(self, step: int, alarms: dict[str, str]) -> None:
        """See `TrainingListener.alarmed`."""
        for name, words in alarms.items():
            self.progress.print(f"  step {step:>7}   [yellow]{name}[/]: {escape(words)}")

    def validated(self, score: Score, *, best: bool) -> None:
        """See `TrainingListener.validated`."""
        mark = "[green]best so far[/]" if best else ""
        self.progress.print(
            f"  step {score.step:>7}   PSNR-Y {score.psnr_y:6.2f} dB on {score.images} tiles  "
            f"{mark}"
        )

    def ended(self) -> None:
        """See `TrainingListener.ended`."""
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        if self.task is not None:
            self.progress.remove_task(self.task)
        self.handlers, self.task = {}, None

    def _asked(self, *_: object) -> None:
        if self.stop:
            raise KeyboardInterrupt
        self.stop = INTERRUPTED

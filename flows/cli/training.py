"""`pairmill train`: a run under a bar with loss, images per second and time left."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import TaskID

from pairmill.flows import terminal
from pairmill.pipeline.html.markup import agreed
from pairmill.pipeline.training.recipe import load_training
from pairmill.pipeline.training.watch import INTERRUPTED, TrainingListener
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import InterruptError
from pairmill.schemas.training import Score, TrainConfig, TrainingRun

if TYPE_CHECKING:
    from pairmill.pipeline.training.run import Trained


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
        where = f"going on from step {step}" if step else begun
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


def run_training(
    path: str, workspace: str, device: str, limit: int | None, corpus: str = ""
) -> None:
    """Train, or go on, or find a finished run, as a flow; one of several processes does without
    Prefect.

    Args:
        path: training recipe.
        workspace: folder or URL.
        device: `cpu`, `cuda` or `auto`.
        limit: most steps.
        corpus: version to take instead of the recipe's; the run gets a name of its own.

    Raises:
        InterruptError: if the user asked to stop; the state of the last step is kept.
    """
    from pairmill.flows.cli.build import carried

    config, base = load_training(path, limit)  # mistakes are told before any server starts
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        _together(config, base, Storage(workspace), device)
        return
    if not corpus:
        from pairmill.pipeline.training.run import check

        check(config, Storage(workspace))
    trained, page = carried(lambda: _flow()(path, workspace, device, limit, corpus))
    if trained.stopped == INTERRUPTED:
        raise InterruptError(
            f"interrupted after step {trained.step}, which is kept",
            where=trained.folder.path,
            todo="run the same command again; it goes on from there",
        )
    said(trained, page)


def _together(config: TrainConfig, base: str, storage: Storage, device: str) -> None:
    """One of several processes; the first shows what it does."""
    from pairmill.pipeline.training.run import train_run

    if os.environ.get("RANK", "0") != "0":
        train_run(config, base, storage, device)
        return
    with terminal.Bars() as bars:
        trained = train_run(config, base, storage, device, TrainBar(bars, interrupts=False))
    said(trained, "")


def _flow() -> Any:
    from pairmill.flows.train import train

    return train


def said(trained: Trained, page: str) -> None:
    """The last lines: what was made, where, and the next command."""
    run, best = trained.run, trained.best
    told = f", best PSNR-Y {best.psnr_y:.2f} dB at step {best.step}" if best else ""
    why = (
        f"  [dim]stopped: {trained.stopped}[/]"
        if trained.stopped
        else ""
        if trained.made
        else "  [dim]nothing new to do[/]"
    )
    weights = trained.folder.checkpoint("best" if best else "last")
    terminal.line(
        f"\n[bold]{run.config.name}[/]  {trained.step} steps on "
        f"{run.corpus}@{run.version}{told}{why}"
    )
    terminal.line(f"  weights  {escape(weights)}")
    if page:
        terminal.line(f"  page     {escape(page)}")
    terminal.line(f"  curves   tensorboard --logdir {escape(trained.folder.path)}")
    terminal.line(f"  next     pairmill upscale IMAGES --checkpoint {escape(weights)}")

"""`pairmill train`: a run under a bar with loss, images per second and time left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.markup import escape

from pairmill.flows import terminal
from pairmill.flows.cli.options import warn_of_slow_precision
from pairmill.pipeline.training.recipe import load_training
from pairmill.pipeline.training.watch import INTERRUPTED
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import InterruptError
from pairmill.schemas.training import TrainConfig

if TYPE_CHECKING:
    from pairmill.pipeline.training.run import Trained

PRECISIONS = {"full": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Of training recipes, as torch calls them."""


def run_training(
    path: str, workspace: str, device: str, limit: int | None, corpus: str = ""
) -> None:
    """Train, or continue, or find a finished run; one of several processes does without Prefect.

    Args:
        path: training recipe.
        workspace: folder or URL.
        device: `cpu`, `cuda` or `auto`.
        limit: most steps.
        corpus: version to take instead of the recipe's; the run gets a name of its own.

    Raises:
        InterruptError: if the user asked to stop; the state of the last step is kept.
    """
    config, base = load_training(path, limit)  # mistakes are reported before any server starts
    storage = Storage(workspace)
    if os.environ.get("RANK", "0") == "0":
        warn_of_slow_precision(PRECISIONS[config.precision], device)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        _together(config, base, storage, device)
        return
    if not corpus:
        from pairmill.pipeline.training.run import check

        check(config, storage)
    from pairmill.flows.cli.carried import carried
    from pairmill.flows.train import run_info, train_network

    trained, page = carried(
        run_info(path, workspace, device, limit, corpus),
        lambda tracker: train_network(config, base, storage, device, tracker, corpus),
    )
    if trained.stopped == INTERRUPTED:
        raise InterruptError(
            f"interrupted after step {trained.step}, which is kept",
            where=trained.folder.path,
            todo="run the same command again to continue",
        )
    said(trained, page)


def _together(config: TrainConfig, base: str, storage: Storage, device: str) -> None:
    """One of several processes; the first shows what it does."""
    from pairmill.flows.cli.train_bar import TrainBar
    from pairmill.pipeline.training.run import train_run

    if os.environ.get("RANK", "0") != "0":
        train_run(config, base, storage, device)
        return
    with terminal.Bars() as bars:
        trained = train_run(config, base, storage, device, TrainBar(bars, interrupts=False))
    said(trained, "")


def said(trained: Trained, page: str) -> None:
    """The last lines: what was made, where, and the next command."""
    run, best = trained.run, trained.best
    summary = f", best PSNR-Y {best.psnr_y:.2f} dB at step {best.step}" if best else ""
    why = ""
    if trained.stopped:
        why = f"  [dim]stopped: {trained.stopped}[/]"
    elif not trained.made:
        why = "  [dim]nothing new to do[/]"
    weights = trained.folder.checkpoint(trained.chosen)
    terminal.line(
        f"\n[bold]{run.config.name}[/]  {trained.step} steps on "
        f"{run.corpus}@{run.version}{summary}{why}"
    )
    for words in trained.alarms:
        terminal.line(f"  [yellow]alarm[/]    {escape(words)}")
    terminal.line(f"  weights  {escape(weights)}")
    if best and not trained.judged:
        terminal.line("  [dim]the last: the best is so on LR that are no photographs[/]")
    if page:
        terminal.line(f"  page     {escape(page)}")
    terminal.line(f"  curves   tensorboard --logdir {escape(trained.folder.path)}")
    terminal.line(f"  next     pairmill upscale IMAGES --checkpoint {escape(weights)}")

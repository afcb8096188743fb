"""What `pairmill upscale` does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pairmill.flows import terminal
from pairmill.flows.cli.options import check_number, checked_options, warn_of_slow_precision
from pairmill.pipeline.evaluate.networks import Upscaler, load
from pairmill.pipeline.evaluate.outputs import Job, jobs_of
from pairmill.pipeline.evaluate.told import components, told_by
from pairmill.pipeline.evaluate.upscale import LOOK, upscale_files
from pairmill.pipeline.evaluate.upscale_at import upscale_files_at
from pairmill.pipeline.evaluate.upscaling import Upscaling
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import InterruptError, UserError
from pairmill.schemas.evaluation import InferenceConfig, UpscaleReport

if TYPE_CHECKING:
    from pairmill.models.archs.meta import AnyScale


def run_upscale(
    images: list[str],
    checkpoint: str,
    out: str,
    interpolate: str,
    options: dict[str, Any],
    scale: float | None = None,
    told: tuple[str, float] = ("", 0.0),
    pca: str = "",
) -> UpscaleReport | None:
    """Upscale, and say what was made and what could not be used.

    Returns:
        What was made; none for a network of any scale, at another than its own: such results have
        no page.

    Raises:
        UserError: if the checkpoint or an option is wrong, or a pattern names no file.
        SystemExit: with code 1 if a file could not be used.
    """
    from pairmill.models.archs.meta import AnyScale

    check_number("--scale", scale, 1, "HR side over LR side, such as 2 or 2.7")
    check_number("--noise", told[1], 0, "a standard deviation, 0 to 255")
    config = checked_options(InferenceConfig, options)
    warn_of_slow_precision(config.precision, config.device)
    jobs = jobs_of(images, str(Path.cwd()), out)
    whole = int(scale) if scale is not None and scale == int(scale) else None
    upscaler = load(checkpoint, mixed(interpolate), whole, components(pca))
    said, target = told_by(*told), Storage(out)
    if said is not None:
        upscaler = upscaler.telling(said)
    network = upscaler.view
    if scale not in (None, network.scale):
        if isinstance(upscaler.network, AnyScale):
            _upscale_at(upscaler, upscaler.network, float(scale), jobs, target, config)
            return None
        raise UserError(
            "the network is for another scale",
            where=checkpoint,
            got=f"x{network.scale}",
            wanted=f"x{scale:g}",
            todo="leave --scale out, or take a network of that scale",
        )
    terminal.line(
        f"[bold]{escape(network.name)}[/]  {escape(network.arch)}, x{network.scale}, "
        f"{network.parameters:,} parameters"
    )
    return finish_upscale(upscaler, jobs, target, config)


def finish_upscale(
    upscaler: Upscaling, jobs: Sequence[Job], target: Storage, config: InferenceConfig
) -> UpscaleReport:
    """Upscale under a bar, and say what was made and what could not be used.

    Raises:
        InterruptError: after Ctrl-C; finished images are kept.
        SystemExit: with code 1 if a file could not be used.
    """
    with ImageBar("upscale", len(jobs)) as bar:
        report = upscale_files(upscaler, jobs, target, config, bar.advanced)
    _say(report, target, len(jobs))
    if report.left_out:
        raise SystemExit(1)
    return report


def _upscale_at(
    upscaler: Upscaler,
    network: AnyScale,
    asked: float,
    jobs: list[Job],
    target: Storage,
    config: InferenceConfig,
) -> None:
    """Upscale by any scale, and say what was made."""
    from pairmill.models.archs.meta import scale_of

    scale = scale_of(asked)
    problem = network.lacks(scale)
    if abs(float(scale) - asked) > 1e-9:
        problem = "its denominator is too large"
    if problem or config.ensemble:
        raise UserError(
            "the network cannot upscale so",
            where="--ensemble" if config.ensemble else "--scale",
            got=f"x{asked:g}" + (f": {problem}" if problem else " with --ensemble"),
            wanted="a scale of 1 to 8 with at most one decimal or a multiple of 0.05, no ensemble",
            todo="round the scale" if problem else "leave --ensemble out",
        )
    terminal.line(
        f"[bold]{escape(upscaler.view.name)}[/]  {escape(upscaler.view.arch)}, x{asked:g}"
    )
    with ImageBar("upscale", len(jobs)) as bar:
        result = upscale_files_at(network, upscaler, scale, jobs, target, config, bar.advanced)
    terminal.left_out([(one.name, one.reason) for one in result.left_out])
    terminal.line(
        f"[green]✓[/] {counted(len(jobs), 'file')}: {len(result.made)} made, {len(result.found)} "
        f"found\n  images   {escape(target.url)}"
    )
    if result.left_out:
        raise SystemExit(1)


def _say(report: UpscaleReport, target: Storage, total: int) -> None:
    network, made = report.network, len(report.images) - report.found
    terminal.left_out([(one.name, one.reason) for one in report.left_out])
    rate = (
        f", {network.megapixels / network.seconds:.3g} HR megapixels/s" if network.seconds else ""
    )
    parts = [
        f"{made} made",
        *([f"{report.found} found"] if report.found else []),
        *([f"{len(report.left_out)} left out"] if report.left_out else []),
    ]
    terminal.line(
        f"[green]✓[/] {counted(total, 'file')}: {', '.join(parts)}  [dim]{network.seconds:.1f} "
        f"s{rate}[/]"
    )
    terminal.line(
        f"  images   {escape(target.url)}\n  page     {escape(target.path(f'{LOOK}/index.html'))}"
    )


def mixed(text: str) -> tuple[str, float] | None:
    """`OTHER:ALPHA` as a checkpoint and a share; none if it is empty.

    Raises:
        UserError: if it is not of that form.
    """
    if not text:
        return None
    other, _, share = text.rpartition(":")
    try:
        alpha = float(share)
    except ValueError:
        alpha = math.nan
    if not other or not math.isfinite(alpha):
        raise UserError(
            "--interpolate has an invalid value",
            where="--interpolate",
            got=text,
            wanted="OTHER:ALPHA, such as gan.safetensors:0.8",
            todo="give the other checkpoint and its share, 0 to 1",
        )
    return other, alpha


class ImageBar:
    """A bar over images, with their rate and the time left; an image counts as far as it is
    done.
    """

    def __init__(self, title: str, total: int) -> None:
        self.progress = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]left[/]"),
            TextColumn("[dim]{task.fields[name]}[/]"),
            console=terminal.out,
            transient=True,
        )
        self.task = self.progress.add_task(title, total=total, said="", name="")
        self.done = 0.0

    def __enter__(self) -> ImageBar:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.progress.stop()
        if kind is KeyboardInterrupt:
            raise InterruptError(
                "interrupted; finished images are kept",
                todo="run the same command again to continue",
            ) from None

    def advanced(self, job: Job, share: float) -> None:
        """Called with how much of an image was done."""
        self.reached(self.done + share, job.output)

    def reached(self, done: float, name: str) -> None:
        """So many images are done, and this one is next."""
        self.done = done
        task = self.progress.tasks[0]
        rate = task.speed and (
            f"{task.speed:.3g} images/s" if task.speed >= 0.5 else f"{1 / task.speed:.0f} s/image"
        )
        said = f"{int(done + 1e-6)}/{int(task.total or 0)} images [dim]{rate or ''}[/]"
        self.progress.update(self.task, completed=done, said=said, name=escape(name[-40:]))

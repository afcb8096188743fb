"""What `pairmill upscale --method` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from pairmill.flows import terminal
from pairmill.flows.cli.options import checked_options
from pairmill.flows.cli.upscale import finish_upscale
from pairmill.models.device import resolve_device
from pairmill.pipeline.evaluate.outputs import Job, jobs_of
from pairmill.pipeline.evaluate.upscale import unfinished
from pairmill.pipeline.evaluate.zero_shot.kernels import KernelSource, Seen, source_of
from pairmill.pipeline.evaluate.zero_shot.method import Method
from pairmill.pipeline.evaluate.zero_shot.methods import method_of
from pairmill.pipeline.evaluate.zero_shot.read import read_sizes, read_with_compression
from pairmill.pipeline.evaluate.zero_shot.upscaler import ZeroShot
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import InferenceConfig, UpscaleReport
from pairmill.schemas.zero_shot import (
    ZERO_SHOT,
    DipFkpUpscale,
    DpirUpscale,
    ZeroShotConfig,
    ZeroShotCost,
)

MIB = 1 << 20
WITH_NETWORKS = ("dpir",)
"""Methods that take networks by `--checkpoint`."""


def check_options(
    method: str, told: Mapping[str, object], of_network: Mapping[str, object]
) -> None:
    """Whether the options are those of a network, or of a method.

    Args:
        method: What `--method` says; empty if it is not given.
        told: Options of methods; none where one is not given.
        of_network: Options of networks; false where one is not given.

    Raises:
        UserError: if neither is named, or an option is one of the other.
    """
    if not method and not of_network["checkpoint"]:
        raise UserError(
            "nothing says how to upscale",
            where="--checkpoint",
            wanted="the weights of a network, or --method",
            todo=f"add --checkpoint NET, or --method {' or '.join(ZERO_SHOT)}",
        )
    if method:
        allowed = {"checkpoint"} if method in WITH_NETWORKS else set()
        wrong = [name for name, given in of_network.items() if given and name not in allowed]
        owner = f"networks; --method {method} does without"
    else:
        wrong = [name for name, value in told.items() if value is not None]
        owner = "methods that need no network"
    if wrong:
        raise UserError(
            f"--{wrong[0]} is an option of {owner}",
            where=f"--{wrong[0]}",
            todo=f"leave out {', '.join(f'--{name}' for name in wrong)}, or change --method",
        )


def run_zero_shot(
    images: Sequence[str],
    name: str,
    out: str,
    told: Mapping[str, Any],
    device: str,
    workspace: str = "data",
    checkpoint: str = "",
) -> UpscaleReport:
    """Upscale each image with nothing but the image; say before what it will take.

    Args:
        images: Files, folders, globs or URLs.
        name: The method.
        out: Folder or URL for the results.
        told: `scale`, `kernel`, `noise` and `seed`; none takes the default.
        device: Where it computes.
        workspace: Where the flow of `dip-fkp` is found, or left.
        checkpoint: Denoisers of `dpir`; see `denoisers_of`.

    Raises:
        UserError: if an option is wrong, or a pattern names no file.
        InterruptError: after Ctrl-C.
        SystemExit: with code 1 if a file could not be used.
    """
    method = method_of(name)
    given = {key: value for key, value in told.items() if value is not None and key != "kernel"}
    settings: ZeroShotConfig = checked_options(ZERO_SHOT[name], given)
    config = checked_options(InferenceConfig, {"device": device})
    resolve_device(config.device)
    one_thread()  # sums that threads share have other last bits
    jobs = jobs_of(images, str(Path.cwd()), out)
    if isinstance(settings, DipFkpUpscale):
        method, settings = _with_flow(settings, workspace)
    if isinstance(settings, DpirUpscale):
        method, settings = _with_denoisers(settings, checkpoint)
    source = _source(method, settings, told["kernel"], lambda: read_with_compression(jobs))
    upscaler, target = ZeroShot(method, settings, source), Storage(out)
    _say_method(upscaler)
    _say_cost(upscaler, unfinished(upscaler, jobs, target, config), config)
    return finish_upscale(upscaler, jobs, target, config)


def _with_flow(
    settings: DipFkpUpscale, workspace: str
) -> tuple[Method[DipFkpUpscale], DipFkpUpscale]:
    from pairmill.flows.cli.flow_fit import flow_of
    from pairmill.pipeline.evaluate.zero_shot.dip import Dip

    prior, sha256 = flow_of(settings.scale, workspace)
    return Dip(settings.method, prior), settings.with_(flow=sha256)


def _with_denoisers(
    settings: DpirUpscale, checkpoint: str
) -> tuple[Method[DpirUpscale], DpirUpscale]:
    from pairmill.pipeline.evaluate.zero_shot.dpir import Dpir, denoisers_of

    denoisers, sha256 = denoisers_of(checkpoint)
    return Dpir(denoisers), settings.with_(denoisers=sha256)


def _source(
    method: Method[Any],
    config: ZeroShotConfig,
    said: str | None,
    seen: Callable[[], Iterable[Seen]],
) -> KernelSource | None:
    if method.kernels:
        wanted = said or method.kernels[0]
        return source_of(wanted, method.kernel_scale(config), seen, config.seed)
    if said is not None:
        raise UserError(
            "the method finds the kernel itself",
            where="--kernel",
            got=said,
            todo="leave out --kernel, or take --method zssr, dip or dpir, which can be told",
        )
    return None


def _say_method(upscaler: ZeroShot) -> None:
    view, source = upscaler.view, upscaler.source
    kernel = f", kernel {escape(source.words)}" if source else ""
    terminal.line(f"[bold]{escape(view.name)}[/]  {escape(view.arch)}, x{view.scale}{kernel}")


def _say_cost(upscaler: ZeroShot, jobs: Sequence[Job], config: InferenceConfig) -> None:
    method, settings = upscaler.method, upscaler.config
    sizes = [size for size in read_sizes(jobs) if not method.problem(*size, settings)]
    if not sizes:
        return
    cost = method.cost(sizes, settings, device=resolve_device(config.device))
    kernels = len(sizes) * upscaler.source.seconds if upscaler.source else 0.0
    terminal.line(f"[dim]{counted(len(sizes), 'image')} to make: {_cost(cost, kernels)}[/]")


def _cost(cost: ZeroShotCost, kernels: float) -> str:
    least, most = said_time(cost.least_seconds + kernels), said_time(cost.most_seconds + kernels)
    took = f"about {most}" if least == most else f"{least} to {most}"
    return f"{took} here, about {max(1, round(cost.memory / MIB)):,} MiB of memory"


def said_time(seconds: float) -> str:
    """To the nearest second, minute or tenth of an hour."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

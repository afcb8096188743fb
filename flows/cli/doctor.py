"""`pairmill doctor`: whether this machine has what a build needs."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.markup import escape

from pairmill.flows import terminal
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import PairmillError

Check = Callable[[str], str]
LEAST_FREE = 2 << 30


def examine(workspace: str) -> None:
    """Run all checks and print a line for each.

    Raises:
        SystemExit: with code 1 if one fails.
    """
    failed = 0
    for title, check in CHECKS.items():
        try:
            terminal.line(f"[green]✓[/] {title:<12} {check(workspace)}")
        except (PairmillError, ImportError, OSError, ValueError, RuntimeError) as error:
            failed += 1
            what, *rest = str(error).splitlines()
            terminal.line(f"[bold red]✗[/] {title:<12} {escape(what)}")
            for said in rest if isinstance(error, PairmillError) else []:
                terminal.line(f"  {'':<12} {escape(said)}")
    if failed:
        raise SystemExit(1)


def _python(_workspace: str) -> str:
    if platform.python_version_tuple() < ("3", "11"):
        raise ValueError(f"Python {platform.python_version()}; 3.11 or newer is needed")
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _libraries(_workspace: str) -> str:
    from pairmill.pipeline.workspace.provenance import software

    return ", ".join(
        f"{name} {version}" for name, version in software().items() if name != "python"
    )


def _codecs(_workspace: str) -> str:
    from pairmill.pipeline.images.encode import SUFFIXES, decode, encode

    image = np.arange(37 * 31 * 3, dtype=np.uint32).astype(np.uint8).reshape(37, 31, 3)
    for encoding in SUFFIXES:
        if not np.array_equal(decode(encode(image, encoding)), image):
            raise ValueError(f"an image does not survive encoding: {encoding}")
    return f"images come back as they were from {', '.join(SUFFIXES)}"


def _device(_workspace: str) -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()}; use --device cuda"
    return "cpu (no CUDA device seen by torch)"


def _memory(_workspace: str) -> str:
    from pairmill.pipeline.runner.execution import default_memory, default_workers

    workers = default_workers()
    return f"{workers} workers, {default_memory(workers) / 2**30:.1f} GiB each"


def _workspace(workspace: str) -> str:
    storage = Storage(workspace)
    storage.write("tmp/doctor", b"written")
    storage.remove("tmp/doctor")
    if not storage.local:
        return f"{storage.url} can be written"
    free = shutil.disk_usage(Path(storage.root)).free
    if free < LEAST_FREE:
        raise ValueError(
            f"only {free / 2**30:.1f} GiB free in {storage.root}; a build wants some GiB"
        )
    return f"{storage.root} can be written, {free / 2**30:.0f} GiB free"


def _images(_workspace: str) -> str:
    from pairmill.pipeline.images.pixel_cache import LIMIT, holding, trouble

    if problem := trouble():
        raise ValueError(problem)
    kept = holding()
    if kept is None:
        return f"decoded again by every stage, as {LIMIT} says"
    size, most = kept.bytes / 2**30, kept.limit / 2**30
    return f"decoded once, kept in {kept.folder}: {size:.1f} GiB of at most {most:.1f} GiB"


def _prefect(_workspace: str) -> str:
    if find_spec("prefect") is None:
        return "not installed; a build does without, `serve` needs pairmill[flows]"
    from pairmill.flows.prefect_support.ephemeral_server import import_prefect, own_server

    import_prefect()
    import prefect
    from prefect.settings import PREFECT_API_URL

    url, begun = PREFECT_API_URL.value(), time.monotonic()
    with own_server(lambda _: None):
        seconds = time.monotonic() - begun
    answer = f"{url} answers" if url else f"a temporary server per run, up in {seconds:.0f} s"
    return f"{prefect.__version__}, {answer}"


CHECKS: dict[str, Check] = {
    "python": _python,
    "libraries": _libraries,
    "codecs": _codecs,
    "device": _device,
    "workers": _memory,
    "workspace": _workspace,
    "images": _images,
    "prefect": _prefect,
}

"""The whole on a cluster of this machine: two workers against one, 4 N images against N, and a
build with nothing to do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bench_synthesis import recipe
from benchmarks.common import Row, photographs, row, show
from pairmill.flows.dask_executor import DaskExecutor, engine
from pairmill.pipeline.build.build import make
from pairmill.pipeline.runner.execution import run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener


def run(quick: bool) -> list[Row]:
    """All three; `quick` uses fewer images."""
    count = 8 if quick else 32
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        few, many = photographs(home, count, 1024), photographs(home, 4 * count, 1024)
        one, small = _build(few, home / "one", 1)
        two, _ = _build(few, home / "two", 2)
        four, large = _build(many, home / "four", 1)
        return [
            row(
                "two workers",
                "one worker",
                one / two,
                ">= 1.8",
                reached=one >= 1.8 * two,
                detail=f"{count} images of 1 MP: {one:.1f} s and {two:.1f} s, engine already up",
            ),
            row(
                "time of 4 N images",
                "N images",
                four / one,
                "<= 4.2",
                reached=four <= 4.2 * one,
                detail=f"N = {count}: {one:.1f} s and {four:.1f} s",
            ),
            row(
                "peak memory of a worker, 4 N images",
                "N images",
                large / small,
                "<= 1.1",
                reached=large <= 1.1 * small,
                detail=f"{small / 2**20:.0f} MiB and {large / 2**20:.0f} MiB",
            ),
            _nothing_to_do(few, home),
        ]


class _Peak(ProgressListener):
    """Watches the resident memory of the worker processes."""

    def __init__(self) -> None:
        self.bytes = 0

    def advanced(self, stage: Any, units: float, note: str = "") -> None:  # noqa: ARG002
        for child in psutil.Process().children(recursive=True):
            try:
                if "spawn_main" in " ".join(child.cmdline()):
                    self.bytes = max(self.bytes, child.memory_info().rss)
            except psutil.Error:
                continue


def _build(images: Path, workspace: Path, workers: int) -> tuple[float, int]:
    """Seconds for all stages but kernels, which run first, and the peak memory of one worker."""
    peak = _Peak()
    with engine("local", workers) as started:
        executor = started.executor
        profile = Profile(str(workspace), "cpu", started.places, started.memory)
        seconds = 0.0

        def carry(stage: Any, inputs: Any, config: Any) -> Any:
            nonlocal seconds
            start = time.perf_counter()
            sealed = run_stage(stage, inputs, config, profile, executor, peak)
            seconds += 0 if "kernels" in stage.name else time.perf_counter() - start
            return sealed

        assert isinstance(executor, DaskExecutor)
        executor.client.run(_warm)
        make(recipe(images), "/", carry)
    return seconds, peak.bytes


def _warm() -> None:
    """Import what workers need, so that imports are not measured."""
    import torch  # noqa: F401
    import webdataset  # noqa: F401

    import pairmill.pipeline.stages  # noqa: F401


def _nothing_to_do(images: Path, home: Path) -> Row:
    path = home / "bench.yaml"
    text = recipe(images).model_dump_json(exclude={"images"})
    path.write_text(text.replace("{", f'{{"images": {{"real": "{images}"}}, ', 1))
    command = [
        sys.executable,
        "-m",
        "pairmill.flows.cli",
        "build",
        str(path),
        "--workspace",
        str(home / "again"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    start = time.perf_counter()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - start
    return row(
        "a build with nothing to do",
        "seconds",
        seconds,
        "<= 5",
        reached="nothing new" in said and seconds <= 5,
        detail=f"whole process, {len(list(images.iterdir()))} images",
    )


if __name__ == "__main__":
    show(run(quick=False))

"""A Dask cluster from the command line, as a user starts one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.program import wait_until

Worker = Callable[..., "subprocess.Popen[bytes]"]


@contextmanager
def scheduler(folder: Path, env: dict[str, str] | None = None) -> Iterator[tuple[str, Worker]]:
    """A Dask scheduler from the command line: its address, and what starts a worker for it."""
    file, env = folder / "scheduler.json", os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
    with ExitStack() as stack:

        def dask(*arguments: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(file)]
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
            )
            stack.callback(process.wait, 30)
            stack.callback(process.kill)
            return process

        dask("scheduler", "--port", "0", "--no-dashboard")
        assert wait_until(
            lambda: file.exists() and file.read_text().rstrip().endswith("}"), 60
        )  # not written at once
        worker = ("worker", "--nthreads", "1", "--no-dashboard", "--no-nanny")
        yield json.loads(file.read_text())["address"], lambda *more: dask(*worker, *more)

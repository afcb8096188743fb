"""Where batches run: what people ask for, and an executor that is up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.runner.execution import (
    Executor,
    ProcessExecutor,
    default_memory,
    default_workers,
)


@dataclass(frozen=True)
class EngineChoice:
    """Where stages are to run, as people say it."""

    address: str = "local"
    """`local` or the address of a Dask scheduler."""
    workers: int | None = None
    """Number of local workers; none means one per processor."""
    device: str = "cpu"
    """`cpu`, `cuda` or `auto`, for kernels and fits."""


@dataclass(frozen=True)
class Engine:
    """An executor that is up."""

    executor: Executor
    places: int
    """How many batches run at once."""
    memory: int
    """Bytes that each may use."""
    title: str
    """What to call it."""
    gpus: int = 0
    """How many GPUs the workers of a cluster declare."""


@contextmanager
def process_engine(workers: int | None) -> Iterator[Engine]:
    """Processes of this machine, without Dask."""
    count = workers or default_workers()
    title = f"{counted(count, 'local process', 'local processes')} without Dask"
    yield Engine(ProcessExecutor(count), count, default_memory(count), title)

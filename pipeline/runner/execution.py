"""Carrying batches of units: in this process, or in a pool of processes; flows adds Dask."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, Protocol, TypeVar

from pairmill.pipeline.runner.memory import keep_memory
from pairmill.pipeline.runner.stage import (
    Batch,
    C,
    Context,
    I,
    M,
    P,
    Profile,
    ProgressCallback,
    ProgressListener,
    R,
    Run,
    Sealed,
    Stage,
    _sealed,
    batches,
    is_done,
    seal,
)
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage

S = TypeVar("S")
T = TypeVar("T")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Executor(Protocol):
    """Runs batches somewhere and yields how many units each has finished, in any order."""

    def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:
        """Run all batches; `advanced` hears fractions of units, and words, while long batches
        run.
        """


class SerialExecutor:
    """Everything in this process, in order."""

    def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:
        """See `Executor.run`."""
        for batch in batches:
            yield run_batch(batch, advanced)


class ProcessExecutor:
    """A pool of fresh processes, one thread each. They start with the first batch and last as long
    as the executor: to start them takes longer than most stages of a small corpus.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:  # noqa: ARG002
        """See `Executor.run`."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=context, initializer=one_thread
            )
        pool = self._pool
        try:
            yield from as_finished(
                batches, lambda batch: pool.submit(run_batch, batch), 2 * self.workers
            )
        except BaseException:
            # Nobody works on after a failure or an interrupt, and a broken pool stays broken.
            self._pool = None
            pool.shutdown()
            raise


def as_finished(
    items: Iterable[S], submit: Callable[[S], Future[T]], in_flight: int
) -> Iterator[T]:
    """Results as they come, with at most `in_flight` submitted at a time, so that memory stays
    flat.
    """
    waiting: set[Future[T]] = set()
    for item in items:
        waiting.add(submit(item))
        if len(waiting) >= in_flight:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def run_batch(batch: Batch, report: ProgressCallback = lambda _units, _note: None) -> int:
    """Work on the units of a batch that are not finished yet; each is marked as soon as it is done.

    Args:
        batch: What to do.
        report: Called with how many units were done since its last call, in fractions, and what
            there is to say of them.

    Returns:
        The number of units computed here.
    """
    stage = batch.stage
    storage = Storage(batch.profile.workspace)
    todo = [unit for unit in batch.units if not is_done(storage, stage.name, unit)]
    progress = _Fractions(len(todo), report)
    context = Context(batch.profile, stage.name, storage, progress.reached)
    for number, (unit, record) in enumerate(
        zip(todo, stage.work(todo, batch.config, context), strict=True), 1
    ):
        storage.write(layout.unit_marker(stage.name, unit.key), record.canonical_json().encode())
        progress.reached(number / len(todo))
    return len(batch.units)


class _Fractions:
    """Turns 'this part of the batch is done' into 'this many more units', without going
    backwards.
    """

    def __init__(self, units: int, report: ProgressCallback) -> None:
        self.units, self.report, self.best = units, report, 0.0

    def reached(self, fraction: float, note: str = "") -> None:
        if fraction > self.best:
            self.report((fraction - self.best) * self.units, note)
            self.best = fraction


def run_stage(
    stage: Stage[I, C, P, R, M],
    inputs: I,
    config: C,
    profile: Profile,
    executor: Executor,
    watcher: ProgressListener,
) -> Sealed[M]:
    """Plan a stage, compute what is missing, seal it; a sealed stage is found at once.

    Raises:
        PairmillError: what the stage raises, and StoreError where the workspace fails.
    """
    started = time.monotonic()
    storage = Storage(profile.workspace)
    units = stage.units(inputs, config)
    sealed = _sealed(stage, units, config, storage)
    if sealed is None:
        done = storage.each(lambda unit: is_done(storage, stage.name, unit), units)
        todo = [unit for unit, is_there in zip(units, done, strict=True) if not is_there]
        watcher.started(stage, len(units), len(todo))
        _compute(stage, todo, config, profile, executor, watcher)
        sealed = seal(stage, units, config, profile, len(todo))
    watcher.sealed(stage, sealed, time.monotonic() - started)
    return sealed


def runner(
    profile: Profile,
    executor: Executor | None = None,
    listener: ProgressListener | None = None,
) -> Run:
    """A `Run` that carries every stage in the same way; in this process without an executor."""
    carrier, watcher = executor or SerialExecutor(), listener or ProgressListener()

    def run(stage: Stage[I, C, P, R, M], inputs: I, config: C, /) -> Sealed[M]:
        return run_stage(stage, inputs, config, profile, carrier, watcher)

    return run


def _compute(
    stage: Stage[I, C, P, R, M],
    todo: list[Any],
    config: C,
    profile: Profile,
    executor: Executor,
    watcher: ProgressListener,
) -> None:
    reported = 0.0

    def advanced(units: float, note: str = "") -> None:
        nonlocal reported
        reported += units
        watcher.advanced(stage, units, note)

    done = 0
    for count in executor.run(batches(stage, todo, config, profile), advanced):
        done += count
        if reported < done:  # what a worker could not report while it ran
            advanced(done - reported)


def one_thread() -> None:
    """Hold numpy, OpenCV and torch of this process to one thread, as workers are processes; and
    keep freed memory.
    """
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"
    import cv2

    cv2.setNumThreads(1)
    keep_memory()
    if "torch" in sys.modules:  # otherwise it reads the variables when it is imported
        import torch

        torch.set_num_threads(1)


def default_workers() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_memory(workers: int) -> int:
    """Bytes per worker: half of what is free now, shared, at most 4 GiB and at least 256 MiB."""
    import psutil

    return int(min(4 << 30, max(256 << 20, psutil.virtual_memory().available // (2 * workers))))


def local_profile(workspace: str, device: str = "cpu", workers: int | None = None) -> Profile:
    """A profile for this machine."""
    count = workers or default_workers()
    return Profile(workspace, device, count, default_memory(count))

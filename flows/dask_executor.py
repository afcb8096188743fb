"""The engine: a Dask client on this machine or at an address, as an executor of the pipeline."""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, WorkerPlugin, get_worker, wait
from distributed.scheduler import KilledWorker

from pairmill.flows.engine import Engine
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.runner.execution import (
    default_memory,
    default_workers,
    one_thread,
    run_batch,
)
from pairmill.pipeline.runner.stage import Batch, ProgressCallback
from pairmill.schemas.errors import StoreError, UserError

TOPIC = "pairmill-progress"
GPU = "GPU"
"""The resource that workers with a GPU declare: `dask worker ADDRESS --resources GPU=1`."""
ALONE = 120.0
"""Seconds without any worker after which a build gives up."""
REPORT_EVERY = 0.5
"""Seconds between two reports of a worker, and between two looks at the queue."""


class OneThread(WorkerPlugin):  # type: ignore[misc]
    """Holds the libraries of each worker to one thread, also of workers that join late."""

    name = "pairmill-one-thread"

    def setup(self, worker: Any) -> None:  # noqa: ARG002
        """Called on every worker."""
        one_thread()


class LeavesInterrupts(WorkerPlugin):  # type: ignore[misc]
    """Local workers leave Ctrl-C, which a terminal sends to every process, to the one that started
    them: it ends them in its own time.
    """

    name = "pairmill-leaves-interrupts"

    def setup(self, worker: Any) -> None:  # noqa: ARG002
        """Called on every worker."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)


class DaskExecutor:
    """Carries batches on the workers of a Dask client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.workers: list[dict[str, Any]] = []
        self.looked = -REPORT_EVERY
        self.events: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        client.register_plugin(OneThread())
        client.subscribe_topic(
            TOPIC, lambda event: self.events.put((float(event[1][0]), str(event[1][1])))
        )

    def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:
        """See `pairmill.pipeline.runner.execution.Executor.run`; at most two batches per worker are
        in flight.
        """
        left, alone_since = iter(batches), 0.0
        wanted = {GPU: 1} if batches and batches[0].stage.gpu and self._slots(GPU) else {}
        waiting = self._more(set(), left, wanted)
        try:
            while waiting:
                done = self._some(waiting)
                alone_since = self._patience(alone_since, wanted)
                self._drain(advanced)
                for future in done:
                    waiting.discard(future)
                    yield _result(future)
                waiting = self._more(waiting, left, wanted)
        finally:
            self.client.cancel(list(waiting))

    def _more(
        self, waiting: set[Future], left: Iterator[Batch], wanted: dict[str, int]
    ) -> set[Future]:
        """Two batches for every place at a worker, also at those that have joined since."""
        room = 2 * max(1, self._slots(*wanted)) - len(waiting)
        return waiting | {self._submit(batch, wanted) for batch in islice(left, max(0, room))}

    def _slots(self, *resource: str) -> int:
        """How many batches can run at once, on all workers or on those that declare a resource."""
        if time.monotonic() - self.looked >= REPORT_EVERY:
            self.workers = list(self.client.scheduler_info(n_workers=-1)["workers"].values())
            self.looked = time.monotonic()
        offers = (
            [worker["nthreads"], *(int(worker["resources"].get(name, 0)) for name in resource)]
            for worker in self.workers
        )
        return sum(min(offer) for offer in offers)

    def _patience(self, alone_since: float, wanted: dict[str, int]) -> float:
        """Since when there has been no worker, 0 if there is one; workers may restart or join late.

        Raises:
            StoreError: if there has been none for `ALONE` seconds.
        """
        if self._slots(*wanted):
            return 0.0
        since = alone_since or time.monotonic()
        if time.monotonic() - since > ALONE:
            kind = f"workers with {GPU}=1" if wanted else "workers"
            raise StoreError(
                f"all {kind} are gone",
                where=self.client.scheduler_info()["address"],
                got=f"none for {ALONE:.0f} s",
                todo="start workers, or check why they die; then run the same command again",
            )
        return since

    def _submit(self, batch: Batch, wanted: dict[str, int]) -> Future:
        key = f"{batch.stage.name}-{batch.units[0].key[:16]}"
        return self.client.submit(work_on, batch, key=key, pure=False, resources=wanted)

    @property
    def gpus(self) -> int:
        """How many GPUs the workers declare."""
        return self._slots(GPU)

    @staticmethod
    def _some(waiting: set[Future]) -> set[Future]:
        try:
            return set(wait(waiting, timeout=REPORT_EVERY, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return set()

    def _drain(self, advanced: ProgressCallback) -> None:
        while not self.events.empty():
            advanced(*self.events.get())


def work_on(batch: Batch) -> int:
    """Run one batch on a worker, and tell the client how it progresses."""
    worker = get_worker()
    pending, last = 0.0, time.monotonic()

    def report(units: float, note: str) -> None:
        nonlocal pending, last
        pending += units
        if time.monotonic() - last >= REPORT_EVERY:
            worker.log_event(TOPIC, [pending, note])
            pending, last = 0.0, time.monotonic()

    return run_batch(batch, report)


def _result(future: Future) -> int:
    try:
        return int(future.result())
    except KilledWorker as error:
        raise StoreError(
            "workers died repeatedly on the same work",
            where=str(future.key),
            got=f"last on {error.last_worker.address}",
            todo="give workers more memory (fewer workers), then run the same command again; it "
            "continues",
        ) from error


@contextmanager
def engine(address: str, workers: int | None) -> Iterator[Engine]:
    """Dask workers, for as long as the block lasts.

    Args:
        address: `local` for processes on this machine, or a scheduler such as `tcp://host:8786`.
        workers: Number of local processes; none means one per processor.

    Raises:
        UserError: if no scheduler answers, or if it has no workers.
    """
    silence_logs()
    if address == "local":
        count = workers or default_workers()
        memory = default_memory(count)
        with _local_cluster(count) as cluster, Client(cluster) as client:
            client.register_plugin(LeavesInterrupts())
            yield Engine(DaskExecutor(client), count, memory, counted(count, "local worker"))
        return
    with _connect(address) as client:
        info = client.scheduler_info(n_workers=-1)["workers"]
        if not info:
            raise UserError(
                "the scheduler has no workers",
                where=address,
                todo=f"start some: `dask worker {address}`",
            )
        memory = (
            min(
                (worker["memory_limit"] or 1 << 30) // worker["nthreads"]
                for worker in info.values()
            )
            // 2
        )
        places = sum(worker["nthreads"] for worker in info.values())
        executor, title = DaskExecutor(client), f"{counted(len(info), 'worker')} of a cluster"
        yield Engine(executor, places, memory, title, executor.gpus)


def silence_logs() -> None:
    """Keep the scheduler's and workers' log off the terminal; what goes wrong comes back as an
    error.
    """
    dask.config.set({"distributed.admin.log-format": "%(message)s"})
    for name in ("distributed", "bokeh", "tornado", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _local_cluster(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
        silence_logs=50,
    )


def _connect(address: str) -> Client:
    try:
        return Client(address, timeout=15)
    except (OSError, ValueError) as error:
        raise UserError(
            "no Dask scheduler answers there",
            where=f"--engine {address}",
            got=str(error).splitlines()[0],
            wanted="local, or the address of a running scheduler such as tcp://host:8786",
            todo="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from error

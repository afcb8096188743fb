"""What every flow works with: an engine, a profile, watchers, and stages wrapped as Prefect
tasks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from pairmill.flows.dask_executor import DaskExecutor, engine
from pairmill.flows.progress import ProgressArtifacts, ProgressListeners, Timings, listener
from pairmill.pipeline.runner.execution import run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed, Stage
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import StoreError, UnreachableError, UserError

LASTING = re.compile(r"No space left|too large|quota|Permission|Read-only", re.IGNORECASE)


@dataclass(frozen=True)
class Session:
    """An engine at work on one workspace."""

    profile: Profile
    executor: DaskExecutor
    watcher: ProgressListener
    timings: Timings
    title: str
    """What to call the engine."""

    def run(self, stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        """Carry one stage as a Prefect task; see `pairmill.pipeline.runner.stage.Run`."""

        def carry() -> Sealed[Any]:
            return run_stage(stage, inputs, config, self.profile, self.executor, self.watcher)

        sealed: Sealed[Any] = stage_task(stage.title)(carry)()
        return sealed


@contextmanager
def carrying(workspace: str, address: str, workers: int | None, device: str) -> Iterator[Session]:
    """A session, with its engine up for as long as the block lasts."""
    timings = Timings()
    heard = [
        watcher for watcher in (timings, ProgressArtifacts(), listener.get()) if watcher is not None
    ]
    resolved = resolve_device(device) if address == "local" else ""
    with engine(address, workers) as (executor, count, memory, title):
        profile = Profile(
            Storage(workspace).url, resolved or cluster_device(device, executor), count, memory
        )
        yield Session(profile, executor, ProgressListeners(heard), timings, title)


def stage_task(title: str) -> Any:
    """A task with a readable name; units on disk decide what is done, so that Prefect caches
    nothing.
    """
    return task(
        name=title,
        task_run_name=title,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=2,
        retry_delay_seconds=[2, 10],
        retry_condition_fn=worth_retrying,
    )


def worth_retrying(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Only a disk that fails for a while gets better by itself; wrong inputs, bugs and full disks
    do not.

    A store that does not answer has been asked long enough.
    """
    error = state.result(raise_on_failure=False)
    return (
        isinstance(error, StoreError)
        and not isinstance(error, UnreachableError)
        and not LASTING.search(error.got)
    )


def cluster_device(device: str, executor: DaskExecutor) -> str:
    """As `resolve_device`, where workers that declare a GPU count instead of what this machine
    has.
    """
    return "cuda" if executor.gpus and device in ("cuda", "auto") else resolve_device(device)


def resolve_device(device: str) -> str:
    """`cpu` or `cuda`; `auto` takes a GPU if torch sees one.

    Raises:
        UserError: if it is none of these, or `cuda` and there is none.
    """
    if device == "cpu":
        return device
    import torch

    if device in ("cuda", "auto") and torch.cuda.is_available():
        return "cuda"
    if device == "auto":
        return "cpu"
    got = "no CUDA device" if device == "cuda" else device
    raise UserError(
        "this device cannot be used",
        where="--device",
        got=got,
        wanted="cpu, cuda or auto",
        todo="use --device auto, or install a CUDA build of torch",
    )

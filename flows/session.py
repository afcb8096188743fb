"""What the stages of a run work with: an engine, a profile, and who hears of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from pairmill.flows.engine import Engine, EngineChoice, process_engine
from pairmill.flows.progress import listener
from pairmill.flows.tracker import Tracker
from pairmill.models.device import resolve_device
from pairmill.pipeline.runner.execution import Executor, run_stage
from pairmill.pipeline.runner.listeners import ProgressListeners
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed, Stage
from pairmill.pipeline.runner.timings import Timings
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError


@dataclass(frozen=True)
class Session:
    """An engine at work on one workspace."""

    profile: Profile
    executor: Executor
    watcher: ProgressListener
    timings: Timings
    title: str
    """What to call the engine."""
    tracker: Tracker

    def run(self, stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        """Carry one stage as a step; see `pairmill.pipeline.runner.stage.Run`."""
        return self.tracker.step(
            stage.title,
            lambda: run_stage(stage, inputs, config, self.profile, self.executor, self.watcher),
        )


@contextmanager
def carrying(workspace: str, choice: EngineChoice, tracker: Tracker) -> Iterator[Session]:
    """A session, with its engine up for as long as the block lasts."""
    timings, bars = Timings(), listener.get()
    watchers = [timings, *tracker.listeners(), *([bars] if bars is not None else [])]
    local = choice.address == "local"
    # a wrong device is told before any worker starts; a cluster says what it has when it is there
    device = resolve_device(choice.device) if local else choice.device
    with engine_of(choice) as engine:
        if not local:
            device = _cluster_device(device, engine)
        profile = Profile(Storage(workspace).url, device, engine.places, engine.memory)
        watcher = ProgressListeners(watchers)
        yield Session(profile, engine.executor, watcher, timings, engine.title, tracker)


def engine_of(choice: EngineChoice) -> AbstractContextManager[Engine]:
    """Dask, or a pool of processes where it is not installed.

    Raises:
        UserError: if a scheduler is asked for without Dask.
    """
    try:
        from pairmill.flows.dask_executor import engine
    except ImportError as error:
        if choice.address == "local":
            return process_engine(choice.workers)
        raise UserError(
            "Dask is not installed",
            where=f"--engine {choice.address}",
            got=str(error),
            todo="`pip install 'pairmill[flows]'`, or leave out --engine",
        ) from error
    return engine(choice.address, choice.workers)


def _cluster_device(device: str, engine: Engine) -> str:
    """As `resolve_device`, where workers that declare a GPU count instead of what this machine
    has.
    """
    return "cuda" if engine.gpus and device in ("cuda", "auto") else resolve_device(device)

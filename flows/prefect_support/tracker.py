"""Prefect as the keeper of a run's history: runs are flows, steps are tasks, results artifacts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pairmill.flows.prefect_support.environment import settle

settle()

from prefect import flow, task  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.client.schemas.objects import State  # noqa: E402
from prefect.exceptions import TerminationSignal  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Cancelled  # noqa: E402

from pairmill.flows.prefect_support.artifacts import publish, publish_training  # noqa: E402
from pairmill.flows.prefect_support.progress import ProgressArtifacts  # noqa: E402
from pairmill.flows.tracker import RETRY_DELAYS, RunInfo, Tracker, worth_retrying  # noqa: E402
from pairmill.pipeline.runner.stage import ProgressListener  # noqa: E402
from pairmill.pipeline.workspace.storage import Storage  # noqa: E402
from pairmill.schemas.corpus import CorpusManifest  # noqa: E402

if TYPE_CHECKING:
    from pairmill.pipeline.training.run import Trained  # which brings torch

T = TypeVar("T")


class PrefectTracker(Tracker):
    """Tells the Prefect server that is configured, or was started."""

    def run(self, info: RunInfo, work: Callable[[], T]) -> T:
        """See `Tracker.run`."""

        def shell(**_parameters: Any) -> Any:
            return _interruptible(work)

        named = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in info.parameters
        ]
        # Prefect shows parameters as the signature names them
        vars(shell)["__signature__"] = inspect.Signature(named)
        carried = flow(name=info.flow, flow_run_name=info.name, validate_parameters=False)(shell)
        state: Any = carried(**info.parameters, return_state=True)
        result: T = _result(state)
        return result

    def step(self, title: str, work: Callable[[], T]) -> T:
        """See `Tracker.step`; units on disk decide what is done, so that Prefect caches nothing."""
        carried = task(
            name=title,
            task_run_name=title,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=len(RETRY_DELAYS),
            retry_delay_seconds=list(RETRY_DELAYS),
            retry_condition_fn=_passes,
        )(lambda: _interruptible(work))
        result: T = _result(carried(return_state=True))
        return result

    def listeners(self) -> Sequence[ProgressListener]:
        """See `Tracker.listeners`."""
        return (ProgressArtifacts(),)

    def run_id(self) -> str:
        """See `Tracker.run_id`."""
        return str(flow_run.id or "")

    def built(self, storage: Storage, manifest: CorpusManifest) -> None:
        """See `Tracker.built`."""
        publish(storage, manifest)

    def trained(self, trained: Trained, page: str) -> None:
        """See `Tracker.trained`."""
        publish_training(trained.run, trained.scores, trained.folder.path, page)


INTERRUPTED = "Interrupted"


def _interruptible(work: Callable[[], T]) -> T | State[Any]:
    """What work returns; after Ctrl-C or SIGTERM a state, for Prefect takes the exception for a
    crash.
    """
    try:
        return work()
    except (KeyboardInterrupt, TerminationSignal):
        return Cancelled(
            name=INTERRUPTED, message="interrupted; the next run continues from what is finished"
        )


def _result(state: State[Any]) -> Any:
    """What a run or a step returned.

    Raises:
        KeyboardInterrupt: if it was interrupted.
        Exception: what it raised.
    """
    if state.name == INTERRUPTED:
        raise KeyboardInterrupt
    return state.result()


def _passes(_task: Any, _run: Any, state: State[Any]) -> bool:
    return worth_retrying(state.result(raise_on_failure=False))

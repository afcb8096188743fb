"""How the steps of a run are carried, and who keeps its history; this tracker keeps none."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pairmill.pipeline.runner.stage import ProgressListener
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import StoreError, UnreachableError

if TYPE_CHECKING:
    from pairmill.pipeline.training.run import Trained

T = TypeVar("T")
RETRY_DELAYS = (2.0, 10.0)
"""Seconds before a step that failed is tried again."""
LASTING = re.compile(r"No space left|too large|quota|Permission|Read-only", re.IGNORECASE)


@dataclass(frozen=True)
class RunInfo:
    """What a history shows of a run."""

    flow: str
    """Name of the flow: `build`, `pools` or `train`."""
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Tracker:
    """Carries steps in this process and remembers nothing; override it to keep a history."""

    def run(self, info: RunInfo, work: Callable[[], T]) -> T:  # noqa: ARG002
        """Carry a whole run, which is made of steps."""
        return work()

    def step(self, title: str, work: Callable[[], T]) -> T:  # noqa: ARG002
        """Carry one step; see `worth_retrying` for when it is tried again."""
        for delay in RETRY_DELAYS:
            try:
                return work()
            except StoreError as error:
                if not worth_retrying(error):
                    raise
                time.sleep(delay)
        return work()

    def listeners(self) -> Sequence[ProgressListener]:
        """Who hears how stages continue, besides the terminal."""
        return ()

    def run_id(self) -> str:
        """Id of the present run in the history; empty without one."""
        return ""

    def built(self, storage: Storage, manifest: CorpusManifest) -> None:
        """A version was sealed."""

    def trained(self, trained: Trained, page: str) -> None:
        """A network was trained and evaluated."""


def worth_retrying(error: BaseException) -> bool:
    """Only a disk that fails for a while gets better by itself; wrong inputs, bugs and full disks
    do not.

    A store that does not answer has been asked long enough.
    """
    return (
        isinstance(error, StoreError)
        and not isinstance(error, UnreachableError)
        and not LASTING.search(error.got)
    )

"""Ctrl-C and SIGTERM, also where a library swallows the exception that they raise.

A signal may arrive while a library cleans up, imports or calls back; there the interpreter, or the
library, drops the exception, and the build would go on to its end. So it is remembered, and raised
again when the next unit of work is done.
"""

from __future__ import annotations

import signal
import threading
from typing import Any, NoReturn

from pairmill.pipeline.runner.stage import ProgressListener, Sealed, Stage

AnyStage = Stage[Any, Any, Any, Any, Any]
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_arrived = threading.Event()


def listen() -> None:
    """Answer signals from now on; only the main thread can."""
    _arrived.clear()
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, _answer)


def _answer(*_: object) -> NoReturn:
    _arrived.set()
    raise KeyboardInterrupt


def check() -> None:
    """Do nothing unless a signal has arrived.

    Raises:
        KeyboardInterrupt: if one has.
    """
    if _arrived.is_set():
        raise KeyboardInterrupt


class Attentive(ProgressListener):
    """Checks whenever a stage progresses."""

    def started(self, stage: AnyStage, units: int, todo: int) -> None:  # noqa: ARG002
        """See `ProgressListener.started`."""
        check()

    def advanced(self, stage: AnyStage, units: float, note: str = "") -> None:  # noqa: ARG002
        """See `ProgressListener.advanced`."""
        check()

    def sealed(self, stage: AnyStage, result: Sealed[Any], seconds: float) -> None:  # noqa: ARG002
        """See `ProgressListener.sealed`."""
        check()

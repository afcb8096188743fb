"""Runs under progress bars: in Prefect's history where a server answers, without it where none
does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

from rich.markup import escape

from pairmill.flows import interrupts, terminal
from pairmill.flows.cli.options import with_prefect
from pairmill.flows.cli.train_bar import TrainBar
from pairmill.flows.prefect_support.ephemeral_server import in_a_line, own_server
from pairmill.flows.prefect_support.server_process import NoServerError
from pairmill.flows.progress import heard, listener
from pairmill.flows.tracker import RunInfo, Tracker
from pairmill.pipeline.runner.listeners import ProgressListeners
from pairmill.schemas.errors import InterruptError, PairmillError

T = TypeVar("T")
WITHOUT = "without Prefect: this run will not be in its history"
Ended = Callable[[], bool]
"""Whether the Prefect server has ended too early."""


def carried(info: RunInfo, work: Callable[[Tracker], T]) -> T:
    """Carry a run to its end, with Prefect or without.

    Raises:
        InterruptError: after Ctrl-C or SIGTERM.
    """
    with _bars(), _tracker() as (tracker, ended):
        listening = _Listening(work)
        try:
            return _carry(lambda: tracker.run(info, lambda: listening(tracker)), ended)
        except Exception as error:
            if listening.begun or isinstance(error, PairmillError):
                raise
            _do_without(_cannot_begin(error))
        return listening(Tracker())


class _Listening(Generic[T]):
    """Work that answers signals, and remembers that it has begun."""

    def __init__(self, work: Callable[[Tracker], T]) -> None:
        self.work, self.begun = work, False

    def __call__(self, tracker: Tracker) -> T:
        """Inside of a flow, for Prefect has put a handler of its own in place."""
        self.begun = True
        interrupts.listen()
        return self.work(tracker)


def _cannot_begin(error: Exception) -> NoServerError:
    return NoServerError(
        "Prefect cannot begin this run",
        where="its server",
        got=in_a_line(error),
        todo="`prefect server start` shows more; PREFECT_HOME and PREFECT_API_URL name others",
    )


def carried_by_prefect(work: Callable[[], T]) -> T:
    """Carry a flow that is nothing without Prefect.

    Raises:
        NoServerError: if no server answers.
        InterruptError: after Ctrl-C or SIGTERM.
    """
    with _bars(), own_server(terminal.line) as ended:
        return _carry(work, ended)


@contextmanager
def _bars() -> Iterator[None]:
    with terminal.Bars() as bars:
        watchers = ProgressListeners([interrupts.Attentive(), bars])
        token, token_of_training = listener.set(watchers), heard.set(TrainBar(bars))
        try:
            yield
        except KeyboardInterrupt:
            raise InterruptError(
                "interrupted; finished work is kept",
                todo="run the same command again to continue",
            ) from None
        finally:
            listener.reset(token)
            heard.reset(token_of_training)


@contextmanager
def _tracker() -> Iterator[tuple[Tracker, Ended]]:
    with ExitStack() as stack:
        try:
            ended = _server(stack)
        except NoServerError as error:
            _do_without(error)
            ended = None
        if ended is None:
            yield Tracker(), lambda: False
            return
        from pairmill.flows.prefect_support.tracker import PrefectTracker

        yield PrefectTracker(), ended


def _do_without(error: NoServerError) -> None:
    with_prefect.set(False)  # what follows in this process does not wait again
    place = f" ({error.where})" if error.where else ""
    terminal.warning(f"{error.what}{place}: {error.got}")
    terminal.line(f"  continuing {WITHOUT}\n  fix      {escape(error.todo)}")


def _server(stack: ExitStack) -> Ended | None:
    """A server that lasts as long as the stack; none if it is not wanted."""
    if with_prefect.get():
        return stack.enter_context(own_server(terminal.line))
    terminal.line(WITHOUT)
    return None


def _carry(work: Callable[[], T], ended: Ended) -> T:
    try:
        return work()
    except Exception as error:
        if isinstance(error, PairmillError) or not (ended() or follows_interrupt(error)):
            raise
        # a signal to all processes took the server first
        raise KeyboardInterrupt from None


def follows_interrupt(error: BaseException) -> bool:
    """Whether an error arose while a signal was handled: libraries that clean up half-built things
    fail at it.
    """
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen is not None

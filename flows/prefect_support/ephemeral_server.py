"""The Prefect server of a one-shot run: the user's own, or a temporary one that ends with this
process.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pairmill.flows.prefect_support.environment import settle_terminal
from pairmill.flows.prefect_support.notes import end_orphans, home_folder
from pairmill.flows.prefect_support.server_process import (
    NoServerError,
    PortTakenError,
    ServerProcess,
    free_port,
    launch,
    patiently,
)

TAG = "pairmill"
"""Tag of all our runs and deployments in Prefect, which keeps them apart from others on the same
server."""
TRIES = 3
"""Ports that are tried: between looking for a free one and listening, others may take it."""
SETTINGS = {
    "PREFECT__SERVER_EPHEMERAL": "1",  # no UI, no scheduler
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_UI_ENABLED": "0",
}


@contextmanager
def own_server(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Use the server that the user has configured, or a temporary one that ends with this process.

    The block gets a question to ask: whether the temporary server has ended too early, as after a
    signal to all processes.

    Args:
        say: Called with what is waited for, where it takes long.

    Raises:
        NoServerError: if Prefect is not installed, or no server answers; it says why.
    """
    import_prefect()
    from prefect import tags
    from prefect.settings import PREFECT_API_URL, temporary_settings

    configured = PREFECT_API_URL.value()
    if configured:
        check_configured(configured, say)
        with tags(TAG):
            yield lambda: False
        return
    end_orphans()
    server = _temporary_server(say)
    with temporary_settings({PREFECT_API_URL: server.url}), tags(TAG):
        check_reached(server.url)
        yield server.ended


def import_prefect() -> None:
    """Import Prefect with the settings of the command line.

    Raises:
        NoServerError: if it is not installed.
    """
    settle_terminal()
    try:
        # it warns of a home that cannot be written, which `launch` tells as an error
        with warnings.catch_warnings(action="ignore"):
            import prefect.context  # noqa: F401 -- which reads the settings
    except ImportError as error:
        raise NoServerError(
            "Prefect is not installed", got=str(error), todo="`pip install 'pairmill[flows]'`"
        ) from error
    except Exception as error:  # of its many settings one may be anything
        raise NoServerError(
            "Prefect cannot be imported",
            where=str(home_folder()),
            got=in_a_line(error),
            todo="mend its profiles.toml or the settings named PREFECT_..., or name another home "
            "with PREFECT_HOME",
        ) from error


def check_configured(url: str, say: Callable[[str], None]) -> None:
    """Do nothing if the user's server answers.

    Raises:
        NoServerError: if it does not.
    """
    with patiently(say, f"waiting for the Prefect server at {url}"):
        problem = _problem()
    if problem is not None:
        raise NoServerError(
            "no Prefect server answers there",
            where=f"PREFECT_API_URL={url}",
            got=in_a_line(problem),
            todo="start it with `prefect server start`, or unset PREFECT_API_URL, and one is "
            "started for you",
        )


def check_reached(url: str) -> None:
    """Do nothing if Prefect reaches a server that has been started here, and answers.

    Raises:
        NoServerError: if it does not, as with a proxy that its client cannot use.
    """
    problem = _problem()
    if problem is not None:
        raise NoServerError(
            "Prefect does not reach its server",
            where=url,
            got=in_a_line(problem),
            todo="unset the proxy that is set for all programs, or do what it asks for",
        )


def _problem() -> Exception | None:
    """What Prefect's client finds wrong with the server of its settings."""
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            return client.api_healthcheck()
    except Exception as error:  # noqa: BLE001 -- it is not even made, as with a proxy it cannot use
        return error


def in_a_line(error: Exception) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


_ahead: list[ServerProcess] = []
"""A server that was launched before anybody asked for it."""


def start_ahead() -> None:
    """Launch a temporary server while the caller imports what a run needs: it takes longest of all
    to start.

    Nothing happens where the user may have a server of their own, and nothing is said if it fails:
    `own_server` meets the same fault again.
    """
    if find_spec("prefect") is not None and not _may_be_configured():
        settle_terminal()
        with suppress(NoServerError):
            end_orphans()
            _ahead.append(_launch())


def _may_be_configured() -> bool:
    """Whether Prefect may read an address of a server somewhere, told without importing it."""
    places = (home_folder() / "profiles.toml", *map(Path, ("prefect.toml", ".env")))
    project = Path("pyproject.toml")
    return (
        "PREFECT_API_URL" in os.environ
        or any(place.exists() for place in places)
        or (project.is_file() and b"tool.prefect" in project.read_bytes())
    )


@cache  # what follows a build in the same process works with its server
def _temporary_server(say: Callable[[str], None]) -> ServerProcess:
    from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

    seconds = float(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())
    server = _started(seconds, say, TRIES)
    atexit.register(server.log.unlink, missing_ok=True)
    return server


def _launch() -> ServerProcess:
    server = launch(free_port(), f"{os.getpid()}.log", SETTINGS)
    atexit.register(server.stop)  # after what Prefect still has to tell it
    return server


def _started(seconds: float, say: Callable[[str], None], tries: int) -> ServerProcess:
    server = _ahead.pop() if _ahead else _launch()
    try:
        server.wait(seconds, say)
    except BaseException as error:
        server.stop()
        if isinstance(error, PortTakenError) and tries > 1:
            return _started(seconds, say, tries - 1)
        raise
    return server

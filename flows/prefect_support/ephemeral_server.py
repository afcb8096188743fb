"""The Prefect server of a one-shot run: the user's own, or a temporary one that ends with this
process.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from pairmill.flows.prefect_support.environment import settle_terminal
from pairmill.flows.prefect_support.notes import end_orphans
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
            import prefect  # noqa: F401
    except ImportError as error:
        raise NoServerError(
            "Prefect is not installed", got=str(error), todo="`pip install 'pairmill[flows]'`"
        ) from error


def check_configured(url: str, say: Callable[[str], None]) -> None:
    """Do nothing if the user's server answers.

    Raises:
        NoServerError: if it does not.
    """
    from prefect.client.orchestration import get_client

    what = f"waiting for the Prefect server at {url}"
    with patiently(say, what), get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is not None:
        raise NoServerError(
            "no Prefect server answers there",
            where=f"PREFECT_API_URL={url}",
            got=str(problem) or type(problem).__name__,
            todo="start it with `prefect server start`, or unset PREFECT_API_URL, and one is "
            "started for you",
        )


@cache  # what follows a build in the same process works with its server
def _temporary_server(say: Callable[[str], None]) -> ServerProcess:
    from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

    seconds = float(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())
    server = _started(seconds, say, TRIES)
    atexit.register(_end, server)  # after what Prefect still has to tell it
    return server


def _started(seconds: float, say: Callable[[str], None], tries: int) -> ServerProcess:
    server = launch(free_port(), f"{os.getpid()}.log", SETTINGS)
    try:
        server.wait(seconds, say)
    except BaseException as error:
        server.stop()
        if isinstance(error, PortTakenError) and tries > 1:
            return _started(seconds, say, tries - 1)
        raise
    return server


def _end(server: ServerProcess) -> None:
    server.stop()
    server.log.unlink(missing_ok=True)

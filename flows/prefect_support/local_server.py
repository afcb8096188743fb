"""A Prefect server with scheduler and UI for `pairmill serve`, where the user has none: it lasts as
long as the command.

Its database is the one of the Prefect home, so that the history outlives the server, and builds by
hand are in it as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from pairmill.flows.prefect_support.ephemeral_server import check_configured
from pairmill.flows.prefect_support.notes import end_orphans, notes
from pairmill.flows.prefect_support.server_process import (
    HOST,
    NoServerError,
    ServerProcess,
    free_port,
    launch,
)
from pairmill.schemas.errors import BusyError, StoreError

PORT = 4200
"""Prefect's usual port, so that bookmarks stay good."""
START = 120.0
"""Seconds that a server may take to start on a fresh home."""
CLEANING = {"PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans"}
"""What the server deletes by itself: old events, and logs of runs that are gone."""


@contextmanager
def api(say: Callable[[str], None]) -> Iterator[tuple[str, bool]]:
    """The URL of the user's Prefect server, or of one started here, and whether it was; it is set
    for all that follows.

    Args:
        say: Called with what is waited for, where it takes long.

    Raises:
        UserError: if the user's server does not answer.
        BusyError: if another `pairmill serve` has started one for this home.
        StoreError: if the server does not start.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    configured = PREFECT_API_URL.value()
    if configured:
        check_configured(configured, say)
        yield configured, False
        return
    end_orphans()
    _refuse_second()
    with _server(say) as url, temporary_settings({PREFECT_API_URL: url}):
        os.environ["PREFECT_API_URL"] = url  # for the runs, which are processes of their own
        try:
            yield url, True
        finally:
            os.environ.pop("PREFECT_API_URL", None)


def _refuse_second() -> None:
    for _, note in notes():
        if "url" in note and psutil.pid_exists(note["owner"]):
            raise BusyError(
                "another `pairmill serve` is running",
                where=note["url"],
                got=f"process {note['owner']}",
                todo="give all recipes to one command, or start `prefect server start` and "
                "set PREFECT_API_URL for both",
            )


@contextmanager
def _server(say: Callable[[str], None]) -> Iterator[str]:
    try:
        server = _started(say)
    except NoServerError as error:  # not a mistake of the command, but of the place
        raise StoreError(
            error.what, where=error.where, got=error.got, wanted=error.wanted, todo=error.todo
        ) from error
    try:
        yield server.url
    finally:
        server.stop()


def _started(say: Callable[[str], None]) -> ServerProcess:
    port = free_port(PORT)
    own = {"PREFECT_API_URL": f"http://{HOST}:{port}/api", "PREFECT_SERVER_API_PORT": str(port)}
    server = launch(port, "server.log", CLEANING | os.environ | own, lasting=True)
    try:
        server.wait(START, say)
    except BaseException:
        server.stop()
        raise
    return server

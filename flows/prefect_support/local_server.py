"""A Prefect server with scheduler and UI for `pairmill serve`, where the user has none: it lasts as
long as the command.

Its database is the one of the Prefect home, so that the history outlives the server, and builds by
hand are in it as well.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from pairmill.flows.prefect_support.ephemeral_server import end_orphans, notes_folder
from pairmill.schemas.errors import BusyError, StoreError, UserError

HOST, PORT = "127.0.0.1", 4200
START, STOP = 120.0, 10.0
"""Seconds that a server may take to start on a fresh home, and to end."""
CLEANING = {"PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans"}
"""What the server deletes by itself: old events, and logs of runs that are gone."""


@contextmanager
def api() -> Iterator[tuple[str, bool]]:
    """The URL of the user's Prefect server, or of one started here, and whether it was; it is set
    for all that follows.

    Raises:
        UserError: if the user's server does not answer.
        BusyError: if another `pairmill serve` has started one for this home.
        StoreError: if the server does not start.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    configured = PREFECT_API_URL.value()
    if configured:
        _check(configured)
        yield configured, False
        return
    end_orphans()
    _refuse_second()
    with _server() as url, temporary_settings({PREFECT_API_URL: url}):
        os.environ["PREFECT_API_URL"] = url  # for the runs, which are processes of their own
        try:
            yield url, True
        finally:
            os.environ.pop("PREFECT_API_URL", None)


def _check(url: str) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is not None:
        raise UserError(
            "no Prefect server answers there",
            where=f"PREFECT_API_URL={url}",
            got=str(problem) or type(problem).__name__,
            todo="start it with `prefect server start`, or unset PREFECT_API_URL, and one is "
            "started for you",
        )


def _refuse_second() -> None:
    for note in notes_folder().glob("*.json"):
        with suppress(OSError, ValueError):
            found = json.loads(note.read_text())
            if "url" in found and psutil.pid_exists(found["owner"]):
                raise BusyError(
                    "another `pairmill serve` is at work",
                    where=found["url"],
                    got=f"process {found['owner']}",
                    todo="give all recipes to one command, or start `prefect server start` and "
                    "set PREFECT_API_URL for both",
                )


@contextmanager
def _server() -> Iterator[str]:
    port, folder = _free_port(), notes_folder()
    url = f"http://{HOST}:{port}/api"
    folder.mkdir(parents=True, exist_ok=True)
    note, diary = folder / f"{os.getpid()}.json", folder / "server.log"
    with diary.open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "--factory",
                "prefect.server.api.server:create_app",
                "--host",
                HOST,
                "--port",
                str(port),
                "--log-level",
                "warning",
                "--timeout-graceful-shutdown",
                "3",
            ],
            env=CLEANING
            | os.environ
            | {"PREFECT_API_URL": url, "PREFECT_SERVER_API_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us: the server goes last
        )
    note.write_text(json.dumps({"owner": os.getpid(), "server": process.pid, "url": url}))
    try:
        _wait_for(url, process, diary)
        yield url
    finally:
        _stop(process)
        note.unlink(missing_ok=True)


def _free_port() -> int:
    """Prefect's usual port if it is free, so that bookmarks stay good; else any."""
    for port in (PORT, 0):
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise StoreError(
        "there is no free port for a Prefect server",
        where=HOST,
        todo="set PREFECT_API_URL to a server elsewhere",
    )


def _wait_for(url: str, process: subprocess.Popen[bytes], diary: Path) -> None:
    end = time.monotonic() + START
    while process.poll() is None and time.monotonic() < end:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    lines = diary.read_text(errors="replace").strip().splitlines()
    raise StoreError(
        "the Prefect server does not start",
        where=str(diary),
        got=lines[-1] if lines else "no word from it",
        todo="read that file; `prefect server start` shows more, and PREFECT_API_URL names "
        "another server",
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

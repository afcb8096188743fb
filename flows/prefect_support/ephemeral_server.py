"""The Prefect server of a one-shot run: the library's own temporary one, without leaving it behind.

Prefect stops its temporary server when the process ends in order. A process that is killed leaves
it running, so its number is noted, and the next run ends what a dead one left.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from pairmill.flows.prefect_support.environment import settle_terminal
from pairmill.schemas.errors import UserError

TAG = "pairmill"
"""Tag of all our runs and deployments in Prefect, which keeps them apart from others on the same
server."""
LAST_MOMENTS = 2.0
"""Seconds in which a server that no longer answers comes to its end."""


@contextmanager
def own_server() -> Iterator[Callable[[], bool]]:
    """Use the server that the user has configured, or a temporary one that ends with this process.

    The block gets a question to ask: whether the temporary server has ended too early, as after a
    signal to all processes.
    """
    settle_terminal()
    end_orphans()
    from prefect import tags
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME

    if PREFECT_API_URL.value():
        with tags(TAG):
            yield lambda: False
        return
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    try:
        server.start()
    except RuntimeError as error:
        raise UserError(
            "the temporary Prefect server did not start",
            where=str(PREFECT_HOME.value()),
            got=str(error),
            todo="make this folder writable (PREFECT_HOME or HOME name it), or set "
            "PREFECT_API_URL to a server of yours",
        ) from error
    note = notes_folder() / f"{os.getpid()}.json"
    if server.server_process is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"owner": os.getpid(), "server": server.server_process.pid}))
    try:
        with tags(TAG):
            yield lambda: _ended(server.server_process)
    finally:
        note.unlink(missing_ok=True)


def _ended(process: subprocess.Popen[Any] | None) -> bool:
    try:
        return process is not None and process.wait(timeout=LAST_MOMENTS) is not None
    except subprocess.TimeoutExpired:
        return False


def end_orphans() -> None:
    """End temporary servers whose owners were killed."""
    for note in notes_folder().glob("*.json"):
        try:
            pids = json.loads(note.read_text())
        except (OSError, ValueError):
            continue
        if not psutil.pid_exists(pids["owner"]):
            _end(pids["server"])
            note.unlink(missing_ok=True)


def _end(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        if any("prefect.server.api.server:create_app" in part for part in process.cmdline()):
            process.terminate()
    except psutil.Error:
        return


def notes_folder() -> Path:
    """Where notes on running servers lie: in the Prefect home."""
    home = os.environ.get("PREFECT_HOME") or "~/.prefect"
    return Path(home).expanduser() / "pairmill-servers"

"""The Prefect server of a one-shot run: the library's own temporary one, without leaving it behind.

Prefect stops its temporary server when the process ends in order. A process that is killed leaves it running, so its
number is noted, and the next run ends what a dead one left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from flows.quiet import settle_terminal


@contextmanager
def own_server() -> Iterator[None]:
    """Use the server that the user has configured, or a temporary one that ends with this process."""
    settle_terminal()
    end_orphans()
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        yield
        return
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server.start()
    note = _notes() / f"{os.getpid()}.json"
    if server.server_process is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"owner": os.getpid(), "server": server.server_process.pid}))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def end_orphans() -> None:
    """End temporary servers whose owners were killed."""
    for note in _notes().glob("*.json"):
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


def _notes() -> Path:
    home = os.environ.get("PREFECT_HOME") or "~/.prefect"
    return Path(home).expanduser() / "pairmill-servers"

"""Notes in the Prefect home on the servers that were started here: whose each is, and what it said.

A process that is killed leaves its server running; by its note the next run ends it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

APP = "prefect.server.api.server:create_app"
"""What the command of each server names."""


def home_folder() -> Path:
    """The Prefect home."""
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def notes_folder() -> Path:
    """Where notes and logs of servers lie: in the Prefect home."""
    return home_folder() / "pairmill-servers"


def write_note(server: int, url: str, *, lasting: bool) -> Path:
    """Note that a server is this process's; `lasting` if others may look for it."""
    note = notes_folder() / f"{os.getpid()}.json"
    known = {"owner": os.getpid(), "server": server} | ({"url": url} if lasting else {})
    note.write_text(json.dumps(known))
    return note


def notes() -> Iterator[tuple[Path, dict[str, Any]]]:
    """All notes that can be read."""
    for path in notes_folder().glob("*.json"):
        try:
            yield path, json.loads(path.read_text())
        except (OSError, ValueError):
            continue


def end_orphans() -> None:
    """End servers whose owners were killed, and forget what they said."""
    for path, note in notes():
        if not psutil.pid_exists(note["owner"]):
            _end(note["server"])
            path.unlink(missing_ok=True)
    for log in notes_folder().glob("*.log"):
        if log.stem.isdecimal() and not psutil.pid_exists(int(log.stem)):
            log.unlink(missing_ok=True)


def _end(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        if any(APP in part for part in process.cmdline()):
            process.terminate()
    except psutil.Error:
        return

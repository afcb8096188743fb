"""Why a Prefect server did not start, from what it printed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pairmill.flows.prefect_support.notes import home_folder

RAISED = re.compile(r"[\w.]+(Error|Exception): .+")
"""The line of a traceback that names the error."""
CONNECTIONS = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")


@dataclass(frozen=True)
class StartError:
    """A cause that people can remove."""

    pattern: str
    """Regular expression for what the server says of it."""
    what: str
    todo: str


ELSEWHERE = "or name another home with PREFECT_HOME"
KNOWN = (
    StartError(
        r"locate revision",
        "the Prefect database was made by another version of Prefect",
        f"install the version of Prefect that made it, {ELSEWHERE}",
    ),
    StartError(
        r"malformed|not a database|no such table|disk I/O error",
        "the Prefect database is damaged",
        f"move prefect.db, prefect.db-wal and prefect.db-shm away, {ELSEWHERE}; the history of "
        "runs goes with them, no corpus does",
    ),
    StartError(
        r"database is locked",
        "another program holds the Prefect database",
        f"end the other program, {ELSEWHERE}",
    ),
    StartError(
        r"No space left|database or disk is full",
        "there is no room for the Prefect database",
        f"free some space, {ELSEWHERE}",
    ),
    StartError(
        r"unable to open database file|readonly database|Permission denied|Read-only",
        "the Prefect database cannot be opened",
        f"make it a file that you may write, {ELSEWHERE}",
    ),
)


def last_error(said: Sequence[str]) -> str:
    """The line that names the error which ended a server; else its last line, else nothing."""
    raised = [line for line in said if RAISED.match(line)]
    return (raised or list(said) or [""])[-1].strip()


def known(said: str) -> StartError | None:
    """The cause that the line of an error speaks of, if it is a known one."""
    return next((each for each in KNOWN if re.search(each.pattern, said, re.IGNORECASE)), None)


def database() -> str:
    """Where the database is: a file, or the setting that names it, which may hold a password."""
    named = [name for name in CONNECTIONS if os.environ.get(name)]
    return named[0] if named else str(home_folder() / "prefect.db")

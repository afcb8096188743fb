"""Settings that must stand in the environment before Prefect is imported: no telemetry, no server
chatter.
"""

from __future__ import annotations

import os

SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_CLI_PROMPT": "false",
    "DO_NOT_TRACK": "1",
}


def settle_terminal() -> None:
    """For the command line, which tells errors itself: Prefect does not tell them a second time."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    settle()


def settle() -> None:
    """Set what the user has not set."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)

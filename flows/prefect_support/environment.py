"""Settings that must stand in the environment before Prefect is imported: no telemetry, no server
chatter.
"""

from __future__ import annotations

import os
from urllib.request import getproxies_environment

LOOPBACK = ("localhost", "127.0.0.1", "::1")
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
    """Set what the user has not set, and except servers of this machine from a proxy."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    _spare_loopback()


def _spare_loopback() -> None:
    """Where the environment names a proxy, add loopback to the hosts that are asked without it: no
    proxy reaches a server of this machine.
    """
    proxies = getproxies_environment()
    spared = [host.strip() for host in proxies.pop("no", "").split(",") if host.strip()]
    missing = [host for host in LOOPBACK if host not in spared]
    if proxies and missing and "*" not in spared:
        # some libraries read the one name, some the other
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(spared + missing)

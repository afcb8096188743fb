"""A Prefect server as a process of ours: started, waited for, ended, and why one does not start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from pairmill.flows.prefect_support.notes import APP, home_folder, notes_folder, write_note
from pairmill.flows.prefect_support.start_errors import database, known, last_error
from pairmill.schemas.errors import UserError

HOST = "127.0.0.1"
STOP = 10.0
"""Seconds that a server may take to end."""
PATIENCE = 3.0
"""Seconds after which people are told what they wait for."""
LAST_MOMENTS = 2.0
"""Seconds in which a server that no longer answers comes to its end."""
TAKEN = "address already in use"
"""How a server says that it cannot have its port."""
SPEAKING = {"PREFECT_LOGGING_SERVER_LEVEL": "ERROR", "PREFECT_SERVER_LOGGING_LEVEL": "ERROR"}
"""It prints into a file of its own, where errors disturb nobody and say why it died."""


class NoServerError(UserError):
    """There is no Prefect server to work with; `what` says why."""


class PortTakenError(NoServerError):
    """Another program was faster at a port."""


@dataclass(frozen=True)
class ServerProcess:
    """A server that was started here."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    """What it prints."""
    note: Path
    """Whose it is, for those who find it left behind."""

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://{HOST}:{self.port}/api"

    def wait(self, seconds: float, say: Callable[[str], None]) -> None:
        """Return as soon as it answers.

        Args:
            seconds: Most to wait.
            say: Called with what is waited for, where it takes long.

        Raises:
            NoServerError: if it ends, or does not answer in time.
        """
        end = time.monotonic() + seconds
        what = f"waiting for the Prefect server (a slow machine?), at most {seconds:.0f} s"
        with patiently(say, what):
            while self.process.poll() is None and time.monotonic() < end:
                if answers(self.url):
                    return
                time.sleep(0.1)
        raise self._problem(seconds)

    def _problem(self, seconds: float) -> NoServerError:
        if self.process.poll() is None:
            return NoServerError(
                "the Prefect server is slow",
                where=self.url,
                got=f"no answer within {seconds:.0f} s, though it is at work",
                todo="wait until this machine is less busy, or allow more with "
                "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS",
            )
        said = self.log.read_text(errors="replace").strip().splitlines()
        if any(TAKEN in line for line in said) or not can_listen(self.port):
            return PortTakenError(
                f"port {self.port} is taken by another program",
                where=self.url,
                got=TAKEN,
                todo="run the same command again, or set PREFECT_API_URL to a server of yours",
            )
        return self._death(last_error(said))

    def _death(self, said: str) -> NoServerError:
        if cause := known(said):
            return NoServerError(cause.what, where=database(), got=said, todo=cause.todo)
        return NoServerError(
            f"the Prefect server died with exit code {self.process.returncode}",
            where=str(self.log),
            got=said or "it printed nothing",
            todo="`prefect server start` shows more; PREFECT_API_URL names another server",
        )

    def ended(self) -> bool:
        """Whether it is gone, or just about to."""
        try:
            return self.process.wait(timeout=LAST_MOMENTS) is not None
        except subprocess.TimeoutExpired:
            return False

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.note.unlink(missing_ok=True)


@contextmanager
def patiently(say: Callable[[str], None], what: str) -> Iterator[None]:
    """Say what is waited for if the block takes long."""
    timer = Timer(PATIENCE, say, [what])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def launch(
    port: int, log: str, settings: Mapping[str, str], *, lasting: bool = False
) -> ServerProcess:
    """Start a server; it does not answer yet.

    Args:
        port: Where it is to listen.
        log: Name of the file for what it prints.
        settings: Prefect's settings by their names in the environment.
        lasting: Whether others may look for it, and Ctrl-C is not for it.

    Raises:
        NoServerError: if the Prefect home cannot be written.
    """
    url, path = f"http://{HOST}:{port}/api", notes_folder() / log
    command = [sys.executable, "-m", "uvicorn", "--factory", APP, "--host", HOST]
    command += ["--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            process = subprocess.Popen(
                command,
                env={**os.environ, **SPEAKING, **settings},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=lasting,
            )
        try:
            note = write_note(process.pid, url, lasting=lasting)
        except OSError:
            process.kill()
            process.wait()
            raise
    except OSError as error:
        raise NoServerError(
            "the Prefect home cannot be written",
            where=str(home_folder()),
            got=error.strerror or str(error),
            todo="make this folder writable, or name another one with PREFECT_HOME",
        ) from error
    return ServerProcess(process, port, path, note)


def answers(url: str) -> bool:
    """Whether a server is there and well."""
    import httpx  # late: it comes with Prefect

    with suppress(httpx.HTTPError):
        answer = httpx.get(f"{url}/health", timeout=10, trust_env=False)
        return answer.status_code == httpx.codes.OK
    return False


def can_listen(port: int) -> bool:
    """Whether nobody listens at a port."""
    with suppress(OSError):
        _bound(port)
        return True
    return False


def _bound(port: int) -> int:
    """The port that 0, or a port that is free, comes to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])


def free_port(wanted: int = 0) -> int:
    """The wanted port if it is free, else any."""
    for port in (wanted, 0):
        with suppress(OSError):
            return _bound(port)
    raise NoServerError(
        "no free port for a Prefect server",
        where=HOST,
        todo="set PREFECT_API_URL to a server elsewhere",
    )

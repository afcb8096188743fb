"""A build continues without Prefect, whatever is wrong with it, and ends in the same version."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from prefect.exceptions import TerminationSignal
from prefect.states import Completed

from pairmill.flows import nightly, tracker
from pairmill.flows.cli import carried
from pairmill.flows.cli.doctor import CHECKS
from pairmill.flows.cli.options import with_prefect
from pairmill.flows.prefect_support import ephemeral_server, server_process
from pairmill.flows.prefect_support import tracker as prefect_tracker
from pairmill.flows.prefect_support.environment import settle
from pairmill.flows.prefect_support.server_process import NoServerError, PortTakenError, launch
from pairmill.flows.prefect_support.start_errors import known, last_error
from pairmill.flows.tracker import RunInfo, Tracker
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import StoreError, UnreachableError, UserError

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
RECIPE = """name: small
scale: 2
images:
  real: [{photos}]
tiles: {{size: 48}}
realism: {{enabled: false}}
degraders:
  - {{kind: bicubic}}
shards: {{samples: 4}}
"""
BLOCKER = """
import os, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["BLOCKED"].split():
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Blocker())
"""
NOISE = re.compile(r"Traceback|ERROR|Exception|Warning")


@pytest.fixture(scope="module")
def recipe(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(RECIPE.format(photos=photographs / "real"))
    return path


def pairmill(*arguments: object, first: Path | None = None, **env: str) -> subprocess.Popen[str]:
    """The command line at work, with a folder before all others on Python's path."""
    path = f"{first}{os.pathsep}{ROOT}" if first else str(ROOT)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "pairmill.flows.cli", *map(str, arguments)],
        env=kept | {"PYTHONPATH": path, "COLUMNS": "100"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def told(process: subprocess.Popen[str], code: int = 0) -> str:
    """All that it says until its end, each space as one."""
    text = process.communicate(timeout=250)[0]
    assert process.returncode == code, text
    assert not NOISE.search(text), text
    return " ".join(text.split())


def manifest(workspace: Path) -> CorpusManifest:
    (path,) = workspace.glob("corpora/small/*/manifest.json")
    return CorpusManifest.model_validate_json(path.read_bytes())


@pytest.fixture(scope="module")
def plain(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> CorpusManifest:
    """The corpus as it is built with `--no-prefect`."""
    workspace = tmp_path_factory.mktemp("plain")
    home = workspace / "home"
    arguments = ("build", recipe, "--workspace", workspace, "--workers", 1, "--no-prefect")
    text = told(pairmill(*arguments, PREFECT_HOME=str(home)))
    assert "without Prefect: this run will not be in its history" in text
    assert not home.exists()
    found = manifest(workspace)
    assert (found.circumstance.run_id, found.circumstance.engine) == ("", "1 local worker")
    return found


@pytest.fixture(scope="module")
def kept(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace made with a temporary server, whose home is `home` in it: the first of a home
    spends most of its start on the database. The proxy that is set answers nobody."""
    workspace = tmp_path_factory.mktemp("kept")
    arguments = ("build", recipe, "--workspace", workspace, "--workers", 1)
    proxies: dict[str, Any] = dict.fromkeys(
        ("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    text = told(pairmill(*arguments, PREFECT_HOME=str(workspace / "home"), **proxies))
    assert "not be in its history" not in text
    return workspace


def test_a_temporary_server_keeps_the_history_and_ends(
    recipe: Path, plain: CorpusManifest, kept: Path
) -> None:
    home, found = kept / "home", manifest(kept)
    assert found.digest == plain.digest
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        runs = database.execute("select id, name, state_name, tags from flow_run").fetchall()
        steps = database.execute("select name, state_name from task_run").fetchall()
    ((run_id, name, state, tags),) = runs
    assert (name, state, tags) == (f"build-{recipe}", "Completed", '["pairmill"]')
    assert run_id == found.circumstance.run_id
    assert dict(steps) == dict.fromkeys(
        ["ingest", "clean up", "synthesize pairs", "seal corpus"], "Completed"
    )
    assert list((home / "pairmill-servers").iterdir()) == []


def folder_with(path: Path, name: str, text: str) -> Path:
    path.mkdir()
    (path / name).write_text(text)
    return path


@pytest.mark.parametrize(
    ("server", "cause"),
    [
        ("import time; time.sleep(60)", r"server is slow \(http.*\): no answer within 4 s"),
        (
            "import sys; print('no idea', file=sys.stderr); sys.exit(3)",
            r"server died with exit code 3 \(\S+\.log\): no idea",
        ),
    ],
)
def test_a_server_that_does_not_come(
    recipe: Path, plain: CorpusManifest, tmp_path: Path, server: str, cause: str
) -> None:
    """The server's process is a real one; what it runs is `uvicorn`, and here another one."""
    first = folder_with(tmp_path / "first", "uvicorn.py", server)
    env = {
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "4",
    }
    arguments = ("build", recipe, "--workspace", tmp_path, "--workers", 1)
    text = told(pairmill(*arguments, first=first, **env))
    assert re.search(cause, text), text
    assert ("waiting for the Prefect server" in text) == ("slow" in cause)
    assert "continuing without Prefect: this run will not be in its history" in text
    assert manifest(tmp_path).digest == plain.digest
    assert not list((tmp_path / "home/pairmill-servers").glob("*.json"))


def test_a_home_that_cannot_be_written(recipe: Path, plain: CorpusManifest, tmp_path: Path) -> None:
    """Below a file there is no folder, not even for root."""
    home = tmp_path / "file" / "home"
    home.parent.write_text("")
    arguments = ("build", recipe, "--workspace", tmp_path, "--workers", 1)
    text = told(pairmill(*arguments, PREFECT_HOME=str(home)))
    assert f"the Prefect home cannot be written ({home}): Not a directory" in text
    assert "name another one with PREFECT_HOME" in text
    assert manifest(tmp_path).digest == plain.digest


def test_a_server_of_the_users_own_that_does_not_answer(
    recipe: Path, plain: CorpusManifest, tmp_path: Path
) -> None:
    with socket.socket() as probe:  # bound, but nobody listens
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
        env: dict[str, Any] = {"PREFECT_API_URL": url, "PREFECT_HOME": str(tmp_path / "home")}
        arguments = ("build", recipe, "--workspace", tmp_path, "--workers", 1)
        text = told(pairmill(*arguments, **env))
    assert f"no Prefect server answers there (PREFECT_API_URL={url})" in text
    assert "`prefect server start`" in text
    assert manifest(tmp_path).digest == plain.digest


@pytest.mark.parametrize(
    ("blocked", "engine"),
    [("prefect httpx", "1 local worker"), ("prefect httpx dask distributed", "without Dask")],
)
def test_the_extra_is_not_installed(
    recipe: Path, plain: CorpusManifest, tmp_path: Path, blocked: str, engine: str
) -> None:
    first = folder_with(tmp_path / "first", "sitecustomize.py", BLOCKER)
    arguments = ("build", recipe, "--workspace", tmp_path, "--workers", 1)
    text = told(pairmill(*arguments, first=first, BLOCKED=blocked))
    assert "Prefect is not installed: No module named 'prefect'" in text
    assert "pip install 'pairmill[flows]'" in text
    assert manifest(tmp_path).digest == plain.digest
    assert engine in manifest(tmp_path).circumstance.engine


@pytest.mark.parametrize("command", ["serve", "nightly"])
def test_what_is_nothing_without_prefect_names_the_extra(
    recipe: Path, tmp_path: Path, command: str
) -> None:
    first = folder_with(tmp_path / "first", "sitecustomize.py", BLOCKER)
    arguments = [command, *([recipe, "--every", "6h"] if command == "serve" else [])]
    process = pairmill(*arguments, "--workspace", tmp_path, first=first, BLOCKED="prefect httpx")
    text = told(process, code=2)
    assert "error: Prefect is not installed" in text
    assert "fix `pip install 'pairmill[flows]'`" in text


def test_a_scheduler_without_dask_is_a_mistake(recipe: Path, tmp_path: Path) -> None:
    first = folder_with(tmp_path / "first", "sitecustomize.py", BLOCKER)
    arguments = ("build", recipe, "--workspace", tmp_path, "--engine", "tcp://h:1", "--no-prefect")
    text = told(pairmill(*arguments, first=first, BLOCKED="dask distributed"), code=2)
    assert "error: Dask is not installed where --engine tcp://h:1" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_polite_and_the_rerun_goes_on(
    recipe: Path, plain: CorpusManifest, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ("build", recipe, "--workspace", tmp_path, "--workers", 1, "--no-prefect")
    process = pairmill(*arguments)
    end = time.monotonic() + 120
    while not (tmp_path / "stages/ingest").exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    text = told(process, code=130)
    assert "interrupted; finished work is kept" in text
    assert "run the same command again to continue" in text
    told(pairmill(*arguments))
    assert manifest(tmp_path).digest == plain.digest


@pytest.mark.parametrize("level", ["CRITICAL", "ERROR"])
def test_a_taken_port_is_no_death(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """Also where the server says nothing of it."""
    home = shutil.copytree(kept / "home", tmp_path / "home")
    monkeypatch.setattr(server_process, "SPEAKING", {"PREFECT_LOGGING_SERVER_LEVEL": level})
    monkeypatch.setenv("PREFECT_HOME", str(home))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = launch(other.getsockname()[1], "server.log", {})
        try:
            server.process.wait(120)
            with pytest.raises(PortTakenError, match="is taken by another program"):
                server.wait(1, lambda _: None)
        finally:
            server.stop()


def test_a_home_of_another_version_of_prefect(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real server refuses it within seconds, and the doctor tells why."""
    home = Path(shutil.copytree(kept / "home", tmp_path / "home"))
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        database.execute("update alembic_version set version_num = 'ffffffffffff'")
        database.commit()
    monkeypatch.setenv("PREFECT_HOME", str(home))
    with pytest.raises(NoServerError) as caught:
        CHECKS["prefect"]("data")
    assert caught.value.what == "the Prefect database was made by another version of Prefect"
    assert caught.value.where == f"{home}/prefect.db"
    assert caught.value.got.endswith("Can't locate revision identified by 'ffffffffffff'")
    assert "PREFECT_HOME" in caught.value.todo


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "exc.DatabaseError: (sqlite3.DatabaseError) database disk image is malformed",
            "damaged",
        ),
        ("exc.DatabaseError: (sqlite3.DatabaseError) file is not a database", "damaged"),
        (
            "exc.OperationalError: (sqlite3.OperationalError) unable to open database file",
            "cannot be opened",
        ),
        (
            "exc.OperationalError: (sqlite3.OperationalError) database is locked",
            "another program",
        ),
        (
            "exc.OperationalError: (sqlite3.OperationalError) database or disk is full",
            "no room",
        ),
    ],
)
def test_what_a_dying_server_says_is_found_below_its_traceback(said: str, cause: str) -> None:
    printed = [
        "Traceback (most recent call last):",
        "    result = function()",
        said,
        "(Background on this error at: https://sqlalche.me/e/20/4xp6)",
        "",
        "08:40:39.627 | ERROR   | uvicorn.error - Application startup failed. Exiting.",
    ]
    assert last_error(printed) == said
    found = known(said)
    assert found is not None
    assert cause in found.what


def test_a_cause_that_nobody_knows_is_the_last_line() -> None:
    assert (last_error(["one", "two"]), last_error([])) == ("two", "")
    assert known("ValueError: two") is None


def proxied(monkeypatch: pytest.MonkeyPatch, **env: str) -> tuple[str | None, str | None]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settle()
    return os.environ.get("NO_PROXY"), os.environ.get("no_proxy")


@pytest.mark.parametrize(
    ("env", "spared"),
    [
        ({"HTTP_PROXY": "http://p:3128"}, "localhost,127.0.0.1,::1"),
        ({"all_proxy": "p:1", "no_proxy": "a.b, ::1"}, "a.b,::1,localhost,127.0.0.1"),
        ({"https_proxy": "p:1", "NO_PROXY": "*"}, None),
        ({}, None),
    ],
)
def test_servers_of_this_machine_are_asked_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], spared: str | None
) -> None:
    assert proxied(monkeypatch, **env) == (spared or env.get("NO_PROXY"), spared)


def test_a_run_that_prefect_cannot_begin_goes_on_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that is well may still fail at its first task, as one whose database lacks a table
    does; an error of the work itself stays what it is."""

    class Refusing(Tracker):
        def run(self, info: RunInfo, work: Callable[[], T]) -> T:  # noqa: ARG002
            raise RuntimeError("500 Internal\nServer Error")

    monkeypatch.setattr(carried, "_server", lambda _stack: lambda: False)
    monkeypatch.setattr("pairmill.flows.prefect_support.tracker.PrefectTracker", Refusing)
    token = with_prefect.set(True)
    try:
        assert carried.carried(RunInfo("build", "x"), type) is Tracker
        assert "cannot begin this run (its server): 500 Internal Server Error" in (
            capsys.readouterr().out
        )
        monkeypatch.setattr("pairmill.flows.prefect_support.tracker.PrefectTracker", Tracker)
        with pytest.raises(ZeroDivisionError):
            carried.carried(RunInfo("build", "x"), lambda _: 1 // 0)
    finally:
        with_prefect.reset(token)


ONE_LOOK = """
import importlib, pkgutil, sys
import pairmill.flows.cli as cli
for module in pkgutil.iter_modules(cli.__path__):
    if module.name != "__main__":
        importlib.import_module(f"pairmill.flows.cli.{module.name}")
print(*sorted({"prefect", "dask", "distributed", "httpx"} & set(sys.modules)))
"""


def test_the_command_line_imports_no_prefect_and_no_dask() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_LOOK], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_a_worker_imports_the_stage_that_it_carries_and_no_other() -> None:
    code = "import sys, pairmill.pipeline.stages.ingest; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    stages = {name for name in done.stdout.split() if name.startswith("pairmill.pipeline.stages.")}
    assert stages == {"pairmill.pipeline.stages.ingest"}


@pytest.mark.parametrize(
    ("name", "text", "configured"),
    [
        ("home/memo_store.toml", "", False),
        ("home/profiles.toml", "active = 'mine'", True),
        ("prefect.toml", "", True),
        ("pyproject.toml", "[tool.prefect]", True),
        ("pyproject.toml", "[tool.ruff]", False),
    ],
)
def test_no_server_is_started_ahead_where_one_may_be_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, configured: bool
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / name).write_text(text)
    started: list[str] = []
    monkeypatch.setattr(ephemeral_server, "_launch", lambda: started.append("server"))
    monkeypatch.setattr(ephemeral_server, "_ahead", [])
    ephemeral_server.start_ahead()
    assert started == ([] if configured else ["server"])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "RETRY_DELAYS", (0.0, 0.0))


class Failing:
    """Work that fails so many times."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return self.calls


@pytest.mark.usefixtures("impatient")
def test_a_disk_that_fails_for_a_while_is_asked_again() -> None:
    assert Tracker().step("any", Failing(StoreError("x", got="Input/output error"), 2)) == 3
    work = Failing(StoreError("x", got="Input/output error"), 3)
    with pytest.raises(StoreError):
        Tracker().step("any", work)
    assert work.calls == 3


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "error",
    [
        StoreError("x", got="No space left on device"),
        StoreError("x", got="Permission denied"),
        UnreachableError("x", got="timed out"),
        UserError("x"),
        ValueError("x"),
    ],
)
def test_what_lasts_is_told_at_once(error: Exception) -> None:
    work = Failing(error, 1)
    with pytest.raises(type(error)):
        Tracker().step("any", work)
    assert work.calls == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, TerminationSignal])
def test_an_interrupt_is_a_cancelled_run_for_prefect_and_an_interrupt_for_us(
    error: type[BaseException],
) -> None:
    def interrupted() -> int:
        raise error(*([signal.SIGTERM] if error is TerminationSignal else []))

    state: Any = prefect_tracker._interruptible(interrupted)
    assert (state.type, state.name) == ("CANCELLED", "Interrupted")
    with pytest.raises(KeyboardInterrupt):
        prefect_tracker._result(state)
    assert prefect_tracker._interruptible(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        prefect_tracker._interruptible(lambda: 1 // 0)


def test_a_night_that_nobody_watches_prints_its_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By hand, the command prints a table itself."""
    state: Any = Completed(message="1 version: all checksums match")
    assert nightly._told(state) is state
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "one of serve's")
    assert nightly._told(state) is state
    assert "1 version: all checksums match" in capsys.readouterr().out

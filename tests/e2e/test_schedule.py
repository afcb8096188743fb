"""Schedules on a real Prefect server, started by its own command: served runs, nothing new,
overlaps, nights, retention."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from pairmill.pipeline.workspace.lock import making
from pairmill.pipeline.workspace.storage import Storage
from tests.support.paths import ROOT
from tests.support.program import run, wait_until

FOREIGN = re.compile(r"Traceback|ERROR|WARN|Warning|distributed|Exception|prefect\.")
RECIPE = """name: {name}
scale: 2
images:
  real: [{photos}]
tiles: {{size: 48}}
realism: {{enabled: false}}
degraders:
  - {{kind: bicubic}}
splits: {{train: 0.7, val: 0.3}}
shards: {{samples: 8}}
"""


class Prefect:
    """A Prefect server, spoken to over HTTP alone; it may wait a minute for its database where the
    machine is busy."""

    def __init__(self, home: Path, url: str) -> None:
        self.env = {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": url,
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        }
        self.client = httpx.Client(base_url=url + "/", trust_env=False, timeout=120)

    def post(self, path: str, **body: Any) -> Any:
        answer = self.ask("POST", path, json=body)
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        return self.ask("GET", path).json()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """As Prefect's own client does, ask again where the server is busy: 503 says that its
        database was locked."""
        end = time.monotonic() + 60
        while (
            answer := self.client.request(method, path, **more)
        ).status_code == 503 and time.monotonic() < end:
            time.sleep(0.5)
        answer.raise_for_status()
        return answer

    def start(self, deployment: str) -> str:
        """Ask for a run now, as the button of the UI does; the run's id."""
        found = self.get(f"deployments/name/{deployment}")
        return str(
            self.post(f"deployments/{found['id']}/create_flow_run", state={"type": "SCHEDULED"})[
                "id"
            ]
        )

    def state(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"flow_runs/{run_id}")["state"]
        return found

    def end(self, run_id: str, seconds: float = 180) -> dict[str, Any]:
        """The final state of a run."""
        over = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
        assert wait_until(lambda: self.state(run_id)["type"] in over, seconds), self.state(run_id)
        return self.state(run_id)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    home = tmp_path_factory.mktemp("home")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    env = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (home / "server.txt").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        assert wait_until(lambda: process.poll() is not None or _answers(url), 120)
        assert _answers(url), (home / "server.txt").read_text()
        prefect = Prefect(home, url)
        yield prefect
        prefect.client.close()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=2).is_success
    except httpx.HTTPError:
        return False


class Served:
    """A running `pairmill serve` of one recipe."""

    def __init__(self, folder: Path, env: dict[str, str], *options: str) -> None:
        self.workspace, self.said = folder / "workspace", folder / "serve.txt"
        command = [
            sys.executable,
            "-m",
            "pairmill.flows.cli",
            "serve",
            str(folder / "photos.yaml"),
            "--workspace",
            str(self.workspace),
            "--workers",
            "1",
            *options,
        ]
        with self.said.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | env,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        assert wait_until(lambda: "Ctrl-C" in self.text or self.process.poll() is not None, 120), (
            self.text
        )
        assert self.process.poll() is None, self.text

    @property
    def text(self) -> str:
        return self.said.read_text()

    def stop(self) -> int:
        """Ctrl-C, which a terminal sends to all processes of the group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def served(
    server: Prefect, photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "photos.yaml").write_text(RECIPE.format(name="photos", photos=photos))
    served = Served(folder, server.env, "--cron", "0 3 * * *", "--nightly", "30 4 * * *")
    yield served
    served.stop()


@pytest.fixture(scope="module")
def first(server: Prefect, served: Served) -> dict[str, Any]:
    """The final state of the first run, which makes the corpus."""
    return server.end(server.start("scheduled-build/photos"), 180)


def versions(workspace: Path) -> list[str]:
    return sorted(path.parent.name for path in workspace.glob("corpora/photos/*/manifest.json"))


def test_a_triggered_run_makes_a_version_and_shows_it(
    server: Prefect, served: Served, first: dict[str, Any]
) -> None:
    assert first["type"] == "COMPLETED", first
    (version,) = versions(served.workspace)
    assert f"photos@{version}" in first["message"]
    artifacts = {artifact["key"]: artifact for artifact in server.post("artifacts/filter")}
    assert "data:image/png;base64,iVBOR" in artifacts["corpus-photos"]["data"]
    assert f"| `{version}` |" in artifacts["corpus-photos-versions"]["data"]
    assert "corpus-photos-realism" not in artifacts


def test_a_run_that_finds_nothing_new_says_so_and_makes_nothing(
    server: Prefect, served: Served, first: dict[str, Any]
) -> None:
    before, log = (
        versions(served.workspace),
        (served.workspace / "corpora/photos/log.jsonl").read_bytes(),
    )
    state = server.end(server.start("scheduled-build/photos"))
    assert (state["type"], state["name"]) == ("COMPLETED", "Nothing new"), state
    assert before[0] in state["message"]
    assert versions(served.workspace) == before
    assert (served.workspace / "corpora/photos/log.jsonl").read_bytes() == log


def test_a_run_while_the_corpus_is_built_elsewhere_is_refused(
    server: Prefect, served: Served, first: dict[str, Any], photos: Path
) -> None:
    """The lock of the workspace, held here, stands for a build by hand; the recipe has changed, so
    that there is work."""
    recipe = served.workspace.parent / "photos.yaml"
    text = recipe.read_text()
    recipe.write_text(text.replace("size: 48", "size: 64"))
    try:
        with making(Storage(str(served.workspace)), "photos"):
            one, two = (
                server.start("scheduled-build/photos"),
                server.start("scheduled-build/photos"),
            )
            states = sorted(
                (server.end(one), server.end(two)), key=lambda state: str(state["name"])
            )
    finally:
        recipe.write_text(text)
    assert [state["type"] for state in states] == ["CANCELLED", "CANCELLED"], states
    by_prefect, by_lock = states
    assert by_prefect["name"] == "Cancelled"
    assert "concurrency limit" in by_prefect["message"]
    assert by_lock["name"] == "Refused"
    assert "build of photos, process" in by_lock["message"]
    assert len(versions(served.workspace)) == 1


def test_a_night_is_quiet_until_a_byte_is_flipped(
    server: Prefect, served: Served, first: dict[str, Any]
) -> None:
    state = server.end(server.start("nightly/photos"))
    assert state["type"] == "COMPLETED", state
    assert "all checksums match" in state["message"]
    (shard, *_) = sorted(served.workspace.glob("corpora/photos/*/shards/*.tar"))
    data = shard.read_bytes()
    middle = data.index(b"IDAT") + 40
    shard.unlink()  # the name, not the bytes that the stage links as well
    shard.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    try:
        state = server.end(server.start("nightly/photos"))
        by_hand = run("nightly", "--workspace", served.workspace, "--share", "1", env=server.env)
    finally:
        shard.write_bytes(data)
    version = versions(served.workspace)[0]
    assert state["type"] == "FAILED", state
    assert state["message"] == f"1 of 1 versions do not match their checksums: photos@{version}"
    assert by_hand.returncode == 1, by_hand.stdout + by_hand.stderr
    assert not FOREIGN.search(by_hand.stdout + by_hand.stderr), by_hand.stdout + by_hand.stderr
    (path,) = served.workspace.glob("runs/nightly/*.json")
    (row,) = json.loads(path.read_text())["versions"]
    assert {finding["fault"] for finding in row["findings"]} & {"shard-bytes-differ"}
    assert any(finding["where"].startswith(f"{shard.name}: ") for finding in row["findings"])
    tables = server.post("artifacts/filter", artifacts={"key": {"any_": ["nightly"]}})
    results = [json.loads(table["data"])[0]["result"] for table in tables]
    assert sorted(results) == ["checksums", "differs", "differs"]


def test_the_server_plans_runs_at_the_times_asked_for(server: Prefect, served: Served) -> None:
    deployment = server.get("deployments/name/scheduled-build/photos")
    assert [s["schedule"]["cron"] for s in deployment["schedules"] if s["active"]] == ["0 3 * * *"]
    chosen = {
        "flow_runs": {
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "deployment_id": {"any_": [deployment["id"]]},
        }
    }
    assert wait_until(lambda: bool(server.post("flow_runs/filter", **chosen)), 120)
    planned = server.post("flow_runs/filter", **chosen)
    assert all(run["auto_scheduled"] and "pairmill" in run["tags"] for run in planned)
    assert {run["expected_start_time"][14:16] for run in planned} == {"00"}


def test_it_ends_with_ctrl_c_and_pauses_its_schedules(
    server: Prefect, served: Served, first: dict[str, Any]
) -> None:
    assert served.stop() == 0, served.text
    assert not FOREIGN.search(served.text), served.text
    assert "sealed photos@" in served.text
    assert "nothing new: photos@" in served.text
    assert served.text.splitlines()[-1].startswith("stopped; ")
    assert server.get("deployments/name/scheduled-build/photos")["paused"]


def test_old_runs_are_forgotten_and_those_of_others_stay(
    server: Prefect, first: dict[str, Any]
) -> None:
    """The server stamps the end of a run itself, so that here a day is too young and the present
    moment is old enough."""
    theirs = server.post(
        "flow_runs/", flow_id=server.post("flows/", name="any")["id"], state={"type": "COMPLETED"}
    )["id"]
    code = (
        "from pairmill.flows.prefect_support.retention import forget; print(forget(1), forget(0))"
    )
    count = server.post(
        "flow_runs/count",
        flow_runs={"tags": {"all_": ["pairmill"]}, "end_time": {"is_null_": False}},
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | server.env,
        capture_output=True,
        text=True,
    )
    assert said.stdout.split() == ["0", str(count)], said.stdout + said.stderr
    assert count > 3
    assert [
        run["id"]
        for run in server.post("flow_runs/filter", flow_runs={"end_time": {"is_null_": False}})
    ] == [theirs]
    assert not server.post("artifacts/filter")


@pytest.mark.slow
def test_prefect_yaml_deploys_both_flows_to_a_work_pool(server: Prefect) -> None:
    server.post("work_pools/", name="pairmill", type="process")
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | server.env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name, cron in (("scheduled-build/build", "0 3 * * *"), ("nightly/nightly", "30 4 * * *")):
        deployment = server.get(f"deployments/name/{name}")
        assert [each["schedule"]["cron"] for each in deployment["schedules"]] == [cron]
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
        assert (deployment["work_pool_name"], deployment["tags"]) == ("pairmill", ["pairmill"])


OWN = """
from pairmill.flows.prefect_support.environment import settle
settle()
import httpx
from pairmill.flows.prefect_support import local_server
from pairmill.schemas.errors import BusyError
with local_server.api(lambda _: None) as (url, ours):
    page = httpx.get(url.removesuffix("/api") + "/", trust_env=False, follow_redirects=True)
    print(ours, url, page.status_code, "<title>Prefect Server</title>" in page.text)
    try:
        local_server._refuse_second()
    except BusyError as error:
        print(error.where == url)
try:
    httpx.get(url + "/health", trust_env=False)
except httpx.ConnectError:
    print("gone")
"""


@pytest.mark.slow
def test_without_a_server_one_is_started_with_its_ui_and_ends_with_the_command(
    tmp_path: Path,
) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | {
        "PREFECT_HOME": str(tmp_path)
    }
    done = subprocess.run(
        [sys.executable, "-c", OWN], cwd=ROOT, env=env, capture_output=True, text=True, timeout=150
    )
    assert re.fullmatch(r"True http://127\.0\.0\.1:\d+/api 200 True\nTrue\ngone\n", done.stdout), (
        done.stdout + done.stderr
    )
    assert not list((tmp_path / "pairmill-servers").glob("*.json"))


WRONG = [
    ({}, "neither"),
    ({"cron": "0 3 * * *", "every": "6h"}, "both"),
    ({"cron": "at three"}, "this is not a cron expression"),
    ({"cron": "0 3 30 2 *"}, "this schedule never comes due"),
    ({"every": "6h", "nightly": "0 3 31 4,6,9,11 *"}, "this schedule never comes due"),
    ({"every": "6 hours"}, "6h, 90m, 1d"),
    ({"every": "5s"}, "1m or longer"),
    ({"every": "6h", "nightly": "often"}, "--nightly"),
    ({"every": "6h", "twice": True}, "two recipes make corpora of the same name"),
]
RARE = ["0 3 29 2 *", "0 3 30 2,3 *"]
"""29 February, and a day of a month that is named beside one that lacks it."""
TRY = """
import json, sys
from pairmill.flows.cli.serve import keep_up
from pairmill.flows.serve import cron_schedule
from pairmill.schemas.errors import UserError
for options in json.loads(sys.argv[2]):
    recipes = [sys.argv[1]] * (1 + options.pop("twice", False))
    given = dict.fromkeys(["cron", "every", "nightly"]) | options
    try:
        keep_up(recipes, **given, workspace="w", engine="local", workers=1, device="cpu", keep_days=90)
    except UserError as error:
        print(json.dumps(error.text()))
print(json.dumps([cron_schedule(cron, "--cron").cron for cron in json.loads(sys.argv[3])]))
"""  # noqa: E501


def test_a_wrong_schedule_is_told_before_anything_starts_and_a_rare_one_is_right(
    recipe: Callable[..., Path], tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-c",
        TRY,
        str(recipe()),
        json.dumps([options for options, _ in WRONG]),
        json.dumps(RARE),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    *told, rare = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(WRONG), done.stdout + done.stderr
    assert rare == RARE
    for text, (_, says) in zip(told, WRONG, strict=True):
        assert says in text
    assert not (tmp_path / "pairmill-servers").exists()

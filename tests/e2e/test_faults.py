"""A full disk, a folder that cannot be written, a worker that dies, one that comes late, one with a
GPU: the same corpus."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from distributed import Client, get_task_stream

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.workspace.storage import Storage
from tests.support.dask_cluster import scheduler
from tests.support.make import build
from tests.support.paths import ROOT
from tests.support.program import Run, run, start, wait_until

SMALL = (
    ("restarts: 2", "restarts: 1"),
    ("train: 0.7, val: 0.3", "train: 1.0, val: 0.0"),
)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """Three of the photos."""
    folder = tmp_path_factory.mktemp("few")
    for photo in sorted(photos.iterdir())[:3]:
        (folder / photo.name).write_bytes(photo.read_bytes())
    return folder


@pytest.mark.slow
def test_a_full_disk_is_one_clear_message_and_the_rerun_finishes(
    recipe: Callable[..., Path], few: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    """A file system of 1 MiB where we may mount one, else a limit on the size of files; room is
    made, and it continues."""
    file, workspace = recipe("full.yaml", *SMALL, images=few), tmp_path / "small disk"
    workspace.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", workspace], capture_output=True
        ).returncode
        == 0
    )
    prefix = [] if mounted else ["prlimit", "--fsize=60000"]
    try:
        command: list[str | Path] = [
            *prefix,
            sys.executable,
            "-m",
            "pairmill.flows.cli",
            "build",
            file,
            "--workspace",
            workspace,
            "--workers",
            "1",
        ]
        full = subprocess.run(
            command, env=os.environ | prefect, capture_output=True, text=True, cwd=ROOT
        )
        told = " ".join((full.stdout + full.stderr).split())
        assert full.returncode == 1, told
        assert re.search("No space left on device|File too large", told), told
        assert "free some space and run the same command again" in told
        assert "Traceback" not in told
        storage = Storage(str(workspace))
        kept = {
            name: storage.read(name) for name in storage.files("") if name.endswith("result.json")
        }
        assert kept
        assert list(workspace.rglob("*.tmp")) == []
        if mounted:
            subprocess.run(["mount", "-o", "remount,size=200m", workspace], check=True)
        done = run("build", file, "--workspace", workspace, "--workers", 1, env=prefect)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {name: storage.read(name) for name in kept} == kept
        assert verify(storage, find_version(storage, "tiny")).findings == ()
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", workspace], check=True)


def test_a_folder_that_cannot_be_written_is_told_before_anything_starts(
    recipe: Callable[..., Path], few: Path, pairmill: Run, tmp_path: Path
) -> None:
    """Root may write everywhere, so the folder is on a read-only file system."""
    folder = tmp_path / "read only"
    folder.mkdir()
    root = os.geteuid() == 0
    if (
        root
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], capture_output=True
        ).returncode
    ):
        pytest.skip("root without the right to mount")
    folder.chmod(0o555) if not root else None
    try:
        done = pairmill(
            "build", recipe("few.yaml", *SMALL, images=few), "--workspace", folder, timeout=100
        )
    finally:
        subprocess.run(["umount", folder], check=True) if root else folder.chmod(0o755)
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, told
    assert re.search("Read-only file system|Permission denied", told), told
    assert "choose another one with --workspace" in told
    assert "Traceback" not in told


@pytest.mark.slow
def test_kernels_are_estimated_where_a_gpu_is_declared_and_workers_may_come_and_go(
    recipe: Callable[..., Path], few: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    """One worker declares a GPU and is killed after its work; another joins late; the corpus is
    that of one local worker."""
    file = recipe("few.yaml", *SMALL, ("shards: {samples: 4}", "shards: {samples: 1}"), images=few)
    build(load_recipe(str(file))[0], tmp_path / "once")
    units = tmp_path / "ws/stages"
    with scheduler(tmp_path) as (address, worker), Client(address) as client:
        gpu = worker("--name", "gpu", "--resources", "GPU=1")
        worker("--name", "plain")
        client.wait_for_workers(2, timeout=60)
        places = {
            info["name"]: place
            for place, info in client.scheduler_info(n_workers=-1)["workers"].items()
        }
        with get_task_stream(client) as stream:
            process = start(
                "build", file, "--workspace", tmp_path / "ws", "--engine", address, env=prefect
            )
            assert wait_until(
                lambda: any(units.glob("synthesize/units/*/*")) or process.poll() is not None, 240
            )
            gpu.send_signal(signal.SIGKILL)
            worker("--name", "late")
            assert process.wait(240) == 0
        where: dict[str, set[str]] = {}
        for row in stream.data:
            where.setdefault(row["key"].rpartition("-")[0], set()).add(row["worker"])
    assert where["estimate_kernels"] == {places["gpu"]}
    assert places["plain"] in where["ingest"] | where["mine_noise"] | where["synthesize"]
    assert digest(tmp_path / "ws") == digest(tmp_path / "once")


def digest(workspace: Path) -> str:
    return find_version(Storage(str(workspace)), "tiny").digest

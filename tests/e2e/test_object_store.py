"""The real program on an S3-compatible server: the same bytes as on a disk, after kills and with
the line cut."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from tests.support.make import build
from tests.support.object_store import BUCKET, line_to, object_store
from tests.support.paths import ROOT
from tests.support.program import RECIPE, run, start, wait_until

SHORT = ("restarts: 2", "restarts: 1")


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    with object_store() as env, pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        yield env


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    path = folder / "tiny.yaml"
    for photo in sorted(photos.iterdir())[:3]:
        (folder / photo.name).write_bytes(photo.read_bytes())
    text = RECIPE.format(photos=f"{folder}/*.png")
    assert SHORT[0] in text
    path.write_text(text.replace(*SHORT))
    return path


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, recipe_file: Path) -> Storage:
    """The corpus on a disk, built in this process."""
    folder = tmp_path_factory.mktemp("local")
    build(load_recipe(str(recipe_file))[0], folder)
    return Storage(str(folder))


def heard(*arguments: object, env: dict[str, str]) -> subprocess.Popen[str]:
    """The program, left running, and what it says."""
    return subprocess.Popen(
        [sys.executable, "-m", "pairmill.flows.cli", *map(str, arguments)],
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def digests(storage: Storage, manifest: CorpusManifest) -> dict[str, str]:
    """Digests of all shards and pools of a version, as they lie in the store."""
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    names = [name for name in storage.files(folder) if name.startswith(("shards/", "pools/"))]
    return {name: hashlib.sha256(storage.read(f"{folder}/{name}")).hexdigest() for name in names}


def same(one: Storage, other: Storage) -> None:
    """Both hold the same version, byte for byte."""
    first, second = find_version(one, "tiny"), find_version(other, "tiny")
    assert first.digest == second.digest
    found = digests(one, first)
    assert any(name.startswith("pools/") for name in found)
    assert found == digests(other, second)


@pytest.mark.slow
def test_killed_and_cut_off_a_build_ends_in_the_bytes_of_a_local_one(
    s3: dict[str, str], local: Storage, recipe_file: Path, prefect: dict[str, str]
) -> None:
    """Killed once, then the store vanishes; the rerun after that continues where they stopped."""
    storage = Storage(f"s3://{BUCKET}/killed")
    arguments = ("build", recipe_file, "--workspace", storage.url, "--workers", 1)
    process = start(*arguments, env=prefect | s3)
    assert wait_until(
        lambda: bool(storage.files("stages/estimate_kernels/units")) or process.poll() is not None,
        120,
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert storage.files("corpora") == []
    with line_to(s3) as line:
        process = heard(*arguments, env=prefect | line.env | {"PAIRMILL_PATIENCE": "2"})
        assert wait_until(
            lambda: bool(storage.files("stages/synthesize/units")) or process.poll() is not None,
            120,
        )
        line.cut()
        text, _ = process.communicate(timeout=120)
    assert process.returncode == 1, text
    assert "the store does not answer" in text
    assert "run the same command again, which continues from what is finished" in " ".join(
        text.split()
    )
    assert "Traceback" not in text
    finished = {name for name in storage.files("stages") if name.endswith("result.json")}
    assert finished
    before = {name: storage.read(f"stages/{name}") for name in finished}
    done = run(*arguments, env=prefect | s3)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: storage.read(f"stages/{name}") for name in finished} == before
    assert storage.files("locks") == []
    same(storage, local)


@pytest.mark.slow
def test_a_corpus_in_a_bucket_is_verified_and_replayed(
    s3: dict[str, str], local: Storage, recipe_file: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    """The local workspace, copied into the bucket by other means than ours."""
    storage = Storage(f"s3://{BUCKET}/copied")
    storage.fs.put(local.url, f"{BUCKET}/copied", recursive=True)
    same(storage, local)
    workspace, env = ("--workspace", storage.url), prefect | s3
    found = run("build", recipe_file, *workspace, env=env)
    assert "nothing new to do" in found.stdout, found.stdout + found.stderr
    manifest = find_version(storage, "tiny")
    verified = run("corpus", "verify", "tiny", *workspace, env=env)
    assert "all checksums match" in verified.stdout, verified.stdout + verified.stderr
    replayed = run("corpus", "replay", "tiny", "--all", *workspace, env=env)
    assert f"{sum(manifest.identity.samples.values())} LR images identical" in replayed.stdout, (
        replayed.stderr
    )
    shard = layout.shard_path("tiny", manifest.version, manifest.shard_names[0])
    storage.write(shard, storage.read(shard)[:-7000])
    broken = run("corpus", "verify", "tiny", *workspace, env=env)
    assert broken.returncode == 1
    assert manifest.shard_names[0] in broken.stderr
    assert "shard-truncated" in broken.stderr


@pytest.mark.parametrize(
    ("url", "changed", "says"),
    [
        (f"s3://no-such-{BUCKET}/w", {}, "make the bucket"),
        (
            f"s3://{BUCKET}/w",
            {
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
                "AWS_MAX_ATTEMPTS": "1",
                "PAIRMILL_PATIENCE": "0",
            },
            "the store does not answer",
        ),
        ("nonsense://bucket/w", {}, "invalid workspace"),
    ],
)
def test_a_place_that_cannot_be_used_is_told_before_anything_starts(
    s3: dict[str, str],
    recipe_file: Path,
    prefect: dict[str, str],
    url: str,
    changed: dict[str, str],
    says: str,
) -> None:
    done = run("build", recipe_file, "--workspace", url, env=prefect | s3 | changed, timeout=100)
    text = done.stdout + done.stderr
    assert done.returncode in (1, 2), text
    assert says in text
    assert "Traceback" not in text
    assert len(text.splitlines()) <= 24

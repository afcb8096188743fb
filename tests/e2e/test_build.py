"""The real program on a real server and a real cluster: build, run again, kill, break, replay."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from distributed import Client

from pairmill.flows.cli.main import main
from pairmill.schemas.image import ImageReason
from tests.support.dask_cluster import scheduler
from tests.support.odd_images import make_odd_images
from tests.support.paths import ROOT
from tests.support.program import (
    NOISE,
    RECIPE,
    UNMEASURED,
    Run,
    only_manifest,
    run,
    start,
    wait_until,
)
from tests.support.work_log import begun, environment


def shard_bytes(workspace: Path, name: str = "tiny") -> dict[str, str]:
    shards = sorted((workspace / "corpora" / name).glob("*/shards/*"))
    return {shard.name: hashlib.sha256(shard.read_bytes()).hexdigest() for shard in shards}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, photos: Path, prefect: dict[str, str]) -> Path:
    """A workspace with the tiny corpus, its realism measured, made by one worker; and what the
    terminal showed.
    """
    workspace = tmp_path_factory.mktemp("built")
    text = RECIPE.format(photos=photos)
    (workspace / "tiny.yaml").write_text(text)
    (workspace / "measured.yaml").write_text(text.replace(UNMEASURED, ""))
    done = run("build", workspace / "measured.yaml", "--workspace", workspace, *ONE, env=prefect)
    (workspace / "terminal.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


ONE = ("--workers", 1)
"""A worker takes longer to start than the tiny corpus to make; what several do has its own test."""
UNITS = "stages/estimate_kernels/units"


def test_terminal_says_what_was_made_and_nothing_foreign(built: Path) -> None:
    text = (built / "terminal.txt").read_text()
    manifest = only_manifest(built)
    assert not NOISE.search(text), text
    assert f"tiny@{manifest.version}" in text
    assert "report/index.html" in text
    assert f"pairmill corpus verify tiny@{manifest.version}" in text


def test_second_run_finds_everything_and_starts_no_engine(built: Path, pairmill: Run) -> None:
    before = shard_bytes(built)
    done = pairmill("build", built / "tiny.yaml", "--workspace", built, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "nothing new to do" in done.stdout
    assert "engine" not in done.stdout
    assert shard_bytes(built) == before


def test_flow_and_its_artifacts_are_in_prefect(built: Path, prefect: dict[str, str]) -> None:
    code = """
import json
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    tasks = client.read_task_runs(limit=200)
    artifacts = client.read_artifacts(limit=200)
    print(json.dumps([[t.name, t.state_name] for t in tasks]), json.dumps([a.key for a in artifacts]), sep="\\n")
"""  # noqa: E501
    env = os.environ | prefect | {"PREFECT_LOGGING_LEVEL": "CRITICAL"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout
    tasks, artifacts = (json.loads(line) for line in said.splitlines()[-2:])
    assert {
        "ingest",
        "clean up",
        "estimate kernels",
        "mine noise",
        "synthesize pairs",
        "seal corpus",
    } <= {t[0] for t in tasks}
    assert "corpus-tiny" in artifacts
    assert "estimate-kernels" in artifacts


def test_verify_replay_show_and_list(built: Path, pairmill: Run, tmp_path: Path) -> None:
    manifest = only_manifest(built)
    pairs = sum(manifest.identity.samples.values())
    verified = pairmill("corpus", "verify", "tiny", "--workspace", built)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert f"{pairs} samples, all checksums match" in verified.stdout
    replayed = pairmill(
        "corpus", "replay", "tiny", "--all", "--out", tmp_path / "out", "--workspace", built
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert f"{pairs} of {pairs} LR images identical" in replayed.stdout
    assert len(list((tmp_path / "out").glob("*.lr-replayed.png"))) == pairs
    assert manifest.version in pairmill("corpus", "list", "--workspace", built).stdout
    shown = pairmill("corpus", "show", f"tiny@{manifest.version[:4]}", "--workspace", built)
    assert manifest.digest in shown.stdout
    assert "accepted" in pairmill("pool", "show", built / "tiny.yaml", "--workspace", built).stdout


def test_two_workers_make_the_same_bytes(built: Path, pairmill: Run, tmp_path: Path) -> None:
    done = pairmill("build", built / "tiny.yaml", "--workspace", tmp_path, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert only_manifest(tmp_path).digest == only_manifest(built).digest
    assert shard_bytes(tmp_path) == shard_bytes(built)


def test_without_prefect_the_bytes_are_the_same(built: Path, pairmill: Run, tmp_path: Path) -> None:
    done = pairmill("build", built / "tiny.yaml", "--workspace", tmp_path, *ONE, "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not NOISE.search(done.stdout + done.stderr), done.stdout + done.stderr
    assert "this run will not be in its history" in done.stdout
    assert only_manifest(tmp_path).digest == only_manifest(built).digest
    assert only_manifest(tmp_path).circumstance.run_id == ""
    assert only_manifest(built).circumstance.run_id
    assert shard_bytes(tmp_path) == shard_bytes(built)


def test_killed_at_any_moment_ends_in_the_same_bytes(
    built: Path, prefect: dict[str, str], pairmill: Run, tmp_path: Path
) -> None:
    for stage in (
        "ingest",
        "estimate_kernels",
        "mine_noise",
        "synthesize",
    ):  # fifty of them: tests/e2e/test_kills.py
        process = start("build", built / "tiny.yaml", "--workspace", tmp_path, *ONE, env=prefect)
        units = tmp_path / "stages" / stage / "units"
        try:
            assert wait_until(lambda: any(units.glob("*/*")) or process.poll() is not None, 240)  # noqa: B023
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert not list((tmp_path / "corpora").glob("*/*/manifest.json")) or stage == "synthesize"
    done = pairmill("build", built / "tiny.yaml", "--workspace", tmp_path, *ONE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert only_manifest(tmp_path).digest == only_manifest(built).digest
    assert shard_bytes(tmp_path) == shard_bytes(built)


@pytest.mark.parametrize(
    ("number", "to_all"), [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, True)]
)
def test_interrupt_is_polite(
    built: Path, prefect: dict[str, str], tmp_path: Path, number: signal.Signals, to_all: bool
) -> None:
    """Ctrl-C, and what service managers do: a signal to all processes, the Prefect server among
    them."""
    text = interrupted(
        built / "tiny.yaml",
        tmp_path,
        prefect,
        (tmp_path / "stages" / "ingest").exists,
        number,
        to_all=to_all,
    )
    assert "run the same command again to continue" in text


def interrupted(
    recipe: Path,
    workspace: Path,
    env: dict[str, str],
    moment: Callable[[], bool],
    number: signal.Signals,
    *,
    to_all: bool,
) -> str:
    """All that a build by one worker says, which is interrupted at a moment and ends in peace."""
    arguments = ("build", recipe, "--workspace", workspace, *ONE)
    process = start(*arguments, env=env, said=subprocess.PIPE, session=True)
    try:
        assert wait_until(lambda: moment() or process.poll() is not None, 120)
        (os.killpg if to_all else os.kill)(process.pid, number)
        text, _ = process.communicate(timeout=120)
    finally:
        process.kill()  # where it has not ended, the test has failed
        process.wait()
    assert process.returncode == 130, text
    assert not NOISE.search(text), text
    return text


@pytest.mark.slow
def test_sigterm_during_kernels_ends_in_the_message_alone_and_the_rerun_in_the_same_bytes(
    built: Path, prefect: dict[str, str], pairmill: Run, tmp_path: Path
) -> None:
    """A service manager's signal to the builder alone. All else is finished, so that it is soon."""
    others = shutil.ignore_patterns("estimate_kernels")
    shutil.copytree(built / "stages", tmp_path / "stages", ignore=others)
    log, kernels = tmp_path / "work.txt", len(list((built / UNITS).glob("*/*")))
    text = interrupted(
        built / "tiny.yaml",
        tmp_path,
        prefect | environment(log, pause=0.3),
        lambda: begun(log).total() > 0,
        signal.SIGTERM,
        to_all=False,
    )
    assert {line.split()[0] for line in begun(log)} == {"estimate_kernels"}
    assert len(list((tmp_path / UNITS).glob("*/*"))) < kernels
    lines = [line for line in text.splitlines() if line and not line.startswith("✓")]
    assert lines == [
        "tiny: starting the engine",
        "error: interrupted; finished work is kept",
        "     fix  run the same command again to continue",
    ], text
    done = pairmill("build", built / "tiny.yaml", "--workspace", tmp_path, *ONE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert only_manifest(tmp_path).digest == only_manifest(built).digest
    assert shard_bytes(tmp_path) == shard_bytes(built)


def test_one_changed_value_runs_only_what_depends_on_it(
    built: Path, recipe: Callable[..., Path], pairmill: Run, tmp_path: Path
) -> None:
    original, built = built, tmp_path / "copy"
    subprocess.run(["cp", "-r", original, built], check=True)
    before = only_manifest(built)
    changed = recipe("changed.yaml", ("weight: 2", "weight: 3"))
    done = pairmill("build", changed, "--workspace", built, *ONE)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        line.split("made")[0].split()[1]: line for line in done.stdout.splitlines() if "✓" in line
    }
    for stage in ("clean", "estimate", "judge", "mine", "choose"):
        assert "found" in rows[stage], rows[stage]
        assert "made" not in rows[stage], rows[stage]
    assert "made" in rows["synthesize"]
    versions = [path.parent.name for path in (built / "corpora" / "tiny").glob("*/manifest.json")]
    assert len(versions) == 2
    assert before.version in versions
    back = pairmill("build", built / "tiny.yaml", "--workspace", built)
    assert before.version in back.stdout


@pytest.mark.slow
def test_a_dask_cluster_started_by_hand_makes_the_same_bytes(
    built: Path, pairmill: Run, tmp_path: Path
) -> None:
    with scheduler(tmp_path) as (address, worker), Client(address) as client:
        worker()
        worker()
        client.wait_for_workers(2, timeout=60)
        done = pairmill(
            "build", built / "tiny.yaml", "--workspace", tmp_path / "ws", "--engine", address
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not NOISE.search(done.stdout + done.stderr)
    assert shard_bytes(tmp_path / "ws") == shard_bytes(built)


def test_a_folder_of_broken_and_odd_images_builds_and_names_each(
    recipe: Callable[..., Path], pairmill: Run, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    verdicts = make_odd_images(folder)
    for photo in sorted(photos.iterdir())[:3]:
        (folder / f"good {photo.name}").write_bytes(photo.read_bytes())
    odd = recipe("odd.yaml", ("restarts: 2", "restarts: 1"), (UNMEASURED, ""), images=folder)
    done = pairmill("build", odd, "--workspace", tmp_path / "ws", *ONE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not NOISE.search(done.stdout + done.stderr), done.stdout + done.stderr
    report = next((tmp_path / "ws").glob("corpora/tiny/*/report/report.json")).read_text()
    rejected = {name for name, verdict in verdicts.items() if isinstance(verdict, ImageReason)}
    assert len(rejected) > 30
    missing = [name for name in rejected if Path(name).name not in report]
    assert not missing


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("scale: 2", "sclae: 2"), "did you mean scale?"),
        (("scale: 2", "scale: 3"), "allows scales 2, 4 and 8"),
        (("scale: 2", "scale: 5"), "should be 2, 3, 4 or 8"),
        (("size: 48", "size: 49"), "multiple of the scale"),
        (("weight: 2", "wieght: 2"), "did you mean weight?"),
        (("kind: realsr", "kind: realrs"), "did you mean realsr?"),
        (("real: [", "real: [/nowhere/at/all, "), "/nowhere/at/all"),
        (("name: tiny", "name: Tiny Corpus"), "name"),
        (("scale: 2", "scale: [2"), "line"),
        (("iterations: 10", "iterations: many"), "kernels.iterations"),
    ],
)
def test_a_wrong_recipe_is_one_screen_and_exit_2(
    change: tuple[str, str],
    says: str,
    recipe: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process; those of its own are tested with a recipe that is missing."""
    arguments = ["build", recipe("wrong.yaml", change), "--workspace", tmp_path / "ws"]
    monkeypatch.setattr(sys, "argv", ["pairmill", *map(str, arguments)])
    monkeypatch.setattr("pairmill.flows.cli.main._listen", lambda: None)  # signals are pytest's
    with pytest.raises(SystemExit) as ended:
        main()
    text = "".join(capsys.readouterr())
    assert ended.value.code == 2, text
    assert says in " ".join(text.split())
    assert len(text.splitlines()) <= 24
    assert not (tmp_path / "ws").exists()


def test_a_missing_recipe_and_a_missing_corpus_suggest_what_to_do(
    pairmill: Run, built: Path
) -> None:
    done = pairmill("build", built / "tiny.yml", "--workspace", built)
    assert done.returncode == 2
    assert "did you mean" in done.stderr
    done = pairmill("corpus", "verify", "tini", "--workspace", built)
    assert done.returncode == 2
    assert "did you mean tiny?" in done.stderr


def test_a_flipped_byte_is_named_by_shard_and_sample(
    built: Path, pairmill: Run, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", built, copy], check=True)
    shard = min(copy.glob("corpora/tiny/*/shards/*.tar"))
    data = bytearray(shard.read_bytes())
    data[data.index(b"IDAT") + 40] ^= 1
    shard.chmod(0o644)
    shard.write_bytes(data)
    reference = f"tiny@{shard.parents[1].name}"
    done = pairmill("corpus", "verify", reference, "--workspace", copy)
    assert done.returncode == 1
    assert shard.name in done.stderr
    assert re.search(r"sample-(pixels-differ|unreadable)", done.stderr)
    assert (
        f"`pairmill corpus repair {reference} --workspace {copy}`" in done.stderr.splitlines()[-1]
    )
    done = pairmill("corpus", "repair", reference, "--workspace", copy, *ONE)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"made again +{shard.name}", done.stdout)
    assert pairmill("corpus", "verify", reference, "--workspace", copy).returncode == 0


def test_no_usable_kernel_stops_before_synthesis_and_says_what_would_work(
    recipe: Callable[..., Path], built: Path, pairmill: Run, tmp_path: Path
) -> None:
    """The kernels are those that were estimated already; judging them is another stage."""
    shutil.copytree(
        built / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("synthesize")
    )
    strict = recipe("strict.yaml", ("max_disagreement: 3", "max_disagreement: 0.0001"))
    done = pairmill("build", strict, "--workspace", tmp_path, *ONE)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "no kernel passed" in done.stderr
    assert "max_disagreement above" in done.stderr
    assert "pairmill pool show RECIPE" in done.stderr
    assert not NOISE.search(done.stdout + done.stderr)
    assert not (tmp_path / "stages" / "synthesize").exists()
    shown = pairmill("pool", "show", strict, "--workspace", tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "no kernel pool: 0 of 6 accepted, x2" in shown.stdout
    assert " ".join(shown.stdout.split()).count("restarts agree, and 2 must") == 6
    assert "kernel_quality.max_disagreement above" in shown.stdout


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    heavy = ("torch", "prefect", "dask", "zarr", "cv2", "numpy", "scipy")
    code = f"import sys, pairmill.flows.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"

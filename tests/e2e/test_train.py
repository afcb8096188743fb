"""The real program on a real server: a build that asks for a training, a training that is killed,
and its page."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pairmill.models.fitting.threads import one_thread
from pairmill.pipeline.recipe.load import load_as
from pairmill.pipeline.training.run import train_run
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig
from tests.support.joint import section
from tests.support.make import build, photograph, save
from tests.support.program import NOISE, Run, only_manifest, run, start, wait_until
from tests.support.training import RECIPE

TRAINING = """name: net
corpus: tiny
network: {arch: compact, features: 8, blocks: 2}
steps: 60
batch: 2
crop: 32
log_every: 5
ema: 0.9
optimiser: {learning_rate: 1.0e-3}
validation: {every: 30, images: 3}
checkpoints: {every: 10, keep: 0}
loading: {workers: 0}
"""
BICUBIC = (
    ("  - {kind: realsr, weight: 2}\n", ""),
    ("shards: {samples: 4}\n", "shards: {samples: 4}\ntrain: net.yaml\n"),
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_build_trains_when_the_recipe_asks_for_it(
    recipe: Callable[..., Path], pairmill: Run, tmp_path: Path
) -> None:
    """A misspelt training is told before the build; a killed one continues when the build is found;
    the corpus is the same."""
    file, workspace = recipe("tiny.yaml", *BICUBIC), tmp_path / "workspace"
    (tmp_path / "net.yaml").write_text(TRAINING.replace("steps", "stepps"))
    told = pairmill("build", file, "--workspace", workspace, "--workers", 1)
    assert told.returncode == 2
    assert "stepps: no such key; did you mean steps?" in told.stderr
    assert not workspace.exists()
    (tmp_path / "net.yaml").write_text(TRAINING)
    done = pairmill("build", file, "--workspace", workspace, "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not NOISE.search(done.stdout + done.stderr)
    manifest = only_manifest(workspace)
    name = f"net-{manifest.version[:8]}"
    folder = workspace / "runs/train" / name
    card = json.loads((folder / "checkpoints/last.json").read_text())
    assert (card["step"], card["corpus"], card["digest"]) == (
        60,
        f"tiny@{manifest.version}",
        manifest.digest,
    )
    assert "train" not in manifest.identity.recipe
    assert "<html" in (workspace / f"runs/evaluate/{name}/index.html").read_text()[:200].lower()
    again = pairmill("build", file, "--workspace", workspace, "--workers", 1)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("nothing new to do") == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("joint", [False, True], ids=["pairs", "joint"])
def test_a_training_that_is_killed_goes_on(
    prefect: dict[str, str], tmp_path: Path, joint: bool
) -> None:
    """By SIGKILL in the middle, then by Ctrl-C; the weights are those of a run that was left
    alone."""
    for seed in range(3):
        save(photograph(seed + 20, 70, 90), tmp_path / f"real/{seed}.png")
        save(photograph(seed, 101, 131, noise=0), tmp_path / f"photos/{seed}.png")
    build(
        Recipe.model_validate(
            RECIPE | {"name": "tiny", "images": {"clean": [f"{tmp_path}/photos"]}}
        ),
        tmp_path / "workspace",
    )
    config, environment = (
        load_as(TrainConfig, _written(tmp_path, "killed", joint=joint))[0],
        prefect | {"OMP_NUM_THREADS": "1"},
    )
    with one_thread():
        alone = train_run(
            config.with_(name="alone"), str(tmp_path), Storage(str(tmp_path / "workspace"))
        )
    folder = tmp_path / "workspace/runs/train/killed"
    command = (
        "train",
        tmp_path / "killed.yaml",
        "--workspace",
        tmp_path / "workspace",
        "--device",
        "cpu",
    )
    later = 200 if joint else 400
    for reached, way, code in ((20, signal.SIGKILL, -9), (later, signal.SIGINT, 130)):
        process = start(*command, env=environment)
        assert wait_until(lambda: _step(folder) >= reached, 240)  # noqa: B023
        os.kill(process.pid, way)
        assert process.wait(60) == code
        assert reached <= _step(folder) < config.steps
    done = run(*command, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "continuing from step" in done.stdout
    assert (folder / "checkpoints/last.safetensors").read_bytes() == Path(
        alone.folder.checkpoint("last")
    ).read_bytes()


def _written(folder: Path, name: str, *, joint: bool) -> str:
    text = (
        (TRAINING + f"joint: {json.dumps(section('pdm'))}\n" * joint)
        .replace("name: net", f"name: {name}")
        .replace("steps: 60", "steps: 600" if joint else "steps: 3000")
        .replace("every: 30", "every: 300" if joint else "every: 1500")
    )
    (folder / f"{name}.yaml").write_text(text)
    return str(folder / f"{name}.yaml")


def _step(folder: Path) -> int:
    card = folder / "checkpoints/last.json"
    return int(json.loads(card.read_text())["step"]) if card.exists() else 0

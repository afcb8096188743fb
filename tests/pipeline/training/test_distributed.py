"""Several processes that train together: the curve of one process with all their pairs in its
batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.make import build, photograph, save
from tests.support.paths import ROOT
from tests.support.training import RECIPE, SMALL

MIXED: dict[str, Any] = {
    "corpus": {2: "pairs", 4: "four"},
    "network": {"arch": "carn", "features": 6, "heads": [2, 4]},
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("changes", [{}, MIXED], ids=["one scale", "two scales"])
def test_two_processes_learn_as_one_with_twice_the_batch(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """Over gloo on the CPU; sums are made in another order, so the curves agree to some digits, not
    to the bit. Of several scales, both processes take the same one at each step."""
    from pairmill.schemas.recipe import Recipe

    for seed in range(4):
        save(photograph(seed, 101, 131, noise=0), tmp_path / f"photos/{seed}.png")
    recipe = RECIPE | {"images": {"clean": [f"{tmp_path}/photos"]}}
    build(Recipe.model_validate(recipe), tmp_path / "workspace")
    if changes:
        four = {"name": "four", "scale": 4, "degraders": [{"kind": "bicubic"}]}
        build(Recipe.model_validate(recipe | four), tmp_path / "workspace")
    curves = []
    for count, batch in ((1, 4), (2, 2)):
        value = SMALL | {"name": f"by-{count}", "batch": batch, "log_every": 1, "steps": 12}
        value |= changes
        (tmp_path / f"{count}.json").write_text(json.dumps(value))
        launch = (
            ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
            if count > 1
            else []
        )
        code = (
            ["-m", "pairmill.flows.cli"]
            if not launch
            else ["--no-python", sys.executable, "-m", "pairmill.flows.cli"]
        )
        options = ["--workspace", str(tmp_path / "workspace"), "--device", "cpu"]
        command = [
            sys.executable,
            *launch,
            *code,
            "train",
            str(tmp_path / f"{count}.json"),
            *options,
        ]
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "PREFECT_HOME": str(tmp_path / "prefect"),
        }
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=280
        )
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (
            (tmp_path / f"workspace/runs/train/by-{count}/metrics.jsonl").read_text().splitlines()
        )
        curves.append([json.loads(line) for line in lines])
    for one, two in zip(*curves, strict=True):
        for name in {"loss", "psnr_y"} & set(one):
            assert two[name] == pytest.approx(one[name], rel=1e-4), (one, two)
    assert len(curves[0]) == 14

"""The real program: its command line in processes of their own, and a small recipe for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from pairmill.schemas.corpus import CorpusManifest
from tests.support.paths import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]

RECIPE = """name: tiny
scale: 2
seed: 3
images:
  real: [{photos}]
tiles: {{size: 48}}
kernels: {{iterations: 10, restarts: 2, crop: 40}}
kernel_quality:
  {{max_sum_error: 10, max_offset: 9, max_border: 1, max_negative: 1, max_raw_negative: 1, max_support: 400, max_disagreement: 3, max_shift: 9,
    max_mismatch: 99,
    min_support: 1}}
noise: {{patch: 16}}
degraders:
  - {{kind: realsr, weight: 2}}
  - {{kind: bicubic, weight: 1}}
splits: {{train: 0.7, val: 0.3}}
shards: {{samples: 4}}
realism: {{enabled: false}}
"""  # noqa: E501
UNMEASURED = "realism: {enabled: false}\n"
"""Realism takes as long as all else, and changes no version: without this line it is measured."""


def photograph(seed: int, height: int = 157, width: int = 213) -> np.ndarray:
    """An image with a flat noisy sky, soft shapes and fine texture; (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(
        rng.normal(0, 60, (9, 12, 3)), (width, height), interpolation=cv2.INTER_CUBIC
    )
    fine = cv2.GaussianBlur(rng.normal(0, 90, (height, width, 3)), (0, 0), 1.1)
    image = 120 + coarse + fine
    image[: height // 2, : width // 2] = 130 + rng.uniform(-20, 20, 3)
    image += rng.normal(0, 4, image.shape)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


def run(
    *arguments: object, env: dict[str, str], timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pairmill.flows.cli", *map(str, arguments)]
    return subprocess.run(
        command,
        env=os.environ | env | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        check=False,
    )


def start(
    *arguments: object,
    env: dict[str, str],
    said: int = subprocess.DEVNULL,
    session: bool = False,
) -> subprocess.Popen[str]:
    """The same, left running; `said` takes what it prints, a session of its own all signals."""
    return subprocess.Popen(
        [sys.executable, "-m", "pairmill.flows.cli", *map(str, arguments)],
        env=os.environ | env | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        stdout=said,
        stderr=said if said == subprocess.DEVNULL else subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        start_new_session=session,
    )


def wait_until(check: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.05)
    return False


NOISE = re.compile(r"Traceback|ERROR|WARN|Warning|distributed|Exception")


def only_manifest(workspace: Path, name: str = "tiny") -> CorpusManifest:
    paths = list((workspace / "corpora" / name).glob("*/manifest.json"))
    assert len(paths) == 1, paths
    return CorpusManifest.model_validate_json(paths[0].read_bytes())

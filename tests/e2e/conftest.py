"""Fixtures for tests that run the real program: a folder of photographs, a Prefect server, and the
command line.

photos      a folder of generated photographs with noise, flat sky and texture
prefect     settings of one real Prefect server for the whole session
pairmill    runs the command line in a fresh process
recipe      writes a small recipe
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

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
  {{max_sum_error: 10, max_offset: 9, max_border: 1, max_negative: 1, max_support: 400, max_disagreement: 3, max_shift: 9,
    max_mismatch: 99,
    min_support: 1}}
noise: {{patch: 16}}
degraders:
  - {{kind: realsr, weight: 2}}
  - {{kind: bicubic, weight: 1}}
splits: {{train: 0.7, val: 0.3}}
shards: {{samples: 4}}
"""  # noqa: E501


def photograph(seed: int, height: int = 157, width: int = 213) -> np.ndarray:
    """A picture with a flat noisy sky, soft shapes and fine texture; (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(
        rng.normal(0, 60, (9, 12, 3)), (width, height), interpolation=cv2.INTER_CUBIC
    )
    fine = cv2.GaussianBlur(rng.normal(0, 90, (height, width, 3)), (0, 0), 1.1)
    image = 120 + coarse + fine
    image[: height // 2, : width // 2] = 130 + rng.uniform(-20, 20, 3)
    image += rng.normal(0, 4, image.shape)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(6):
        cv2.imwrite(str(folder / f"photo {seed}.png"), photograph(seed))
    return folder


@pytest.fixture
def recipe(tmp_path: Path, photos: Path) -> Callable[..., Path]:
    """Writes the small recipe, with texts replaced."""

    def write(
        name: str = "tiny.yaml", *changes: tuple[str, str], images: Path | None = None
    ) -> Path:
        text = RECIPE.format(photos=images or photos)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real Prefect server in a process of its own, with its own home."""
    home = tmp_path_factory.mktemp("prefect")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env=os.environ | {"PREFECT_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert url.startswith("http"), url
    yield {"PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    server.communicate("\n", timeout=60)


SERVER = """
import sys
from pairmill.flows.prefect_support.environment import settle_terminal
settle_terminal()
from prefect.server.api.server import SubprocessASGIServer
server = SubprocessASGIServer()
server.start(timeout=120)
print(server.api_url, flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture
def pairmill(prefect: dict[str, str]) -> Run:
    """Runs `pairmill ARGUMENTS` in a fresh process and returns what it said."""
    return lambda *arguments, **options: run(*arguments, env=prefect, **options)


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


def start(*arguments: object, env: dict[str, str]) -> subprocess.Popen[str]:
    """The same, left running."""
    return subprocess.Popen(
        [sys.executable, "-m", "pairmill.flows.cli", *map(str, arguments)],
        env=os.environ | env | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )


def wait_until(check: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.05)
    return False

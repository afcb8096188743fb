"""Fixtures for tests that run the real program: a folder of photos, a Prefect server, and the
command line.

photos      a folder of generated photos with noise, flat sky and texture
prefect     settings of one real Prefect server for the whole session
browser     a headless Chromium for the whole session
pairmill    runs the command line in a fresh process
recipe      writes a small recipe
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.support.browser import CHROMIUM, DRIVER, chromium
from tests.support.program import RECIPE, Run, photograph, run


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


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("selenium")
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver")
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def pairmill(prefect: dict[str, str]) -> Run:
    """Runs `pairmill ARGUMENTS` in a fresh process and returns what it said."""
    return lambda *arguments, **options: run(*arguments, env=prefect, **options)

"""The pieces of docs/how-to/read.md run as they stand, on a small corpus and on the demo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.workspace.storage import Storage
from tests.support.make import Tiny
from tests.support.paths import ROOT
from tests.support.program import run

PAGE = (ROOT / "docs/how-to/read.md").read_text("utf-8")
PIECES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COUNT = "\nprint(sum(1 for _ in pairs))\n"
ENDS = (COUNT, COUNT, "    assert (again == lr).all()\nprint(len(list(corpus.pairs('train'))))\n")
"""What is added to each piece: how many pairs it sees, and that the last one says the truth."""


def seen(pieces: tuple[int, ...], home: Path, name: str) -> list[int]:
    """Pairs for training that pieces see, in a folder whose workspace is `data`."""
    version = find_version(Storage(str(home / "data")), name).version
    code = "".join(PIECES[number] + ENDS[number] for number in pieces)
    done = subprocess.run(
        [sys.executable, "-c", code.replace("VERSION", version).replace("demo", name)],
        cwd=home,
        env=os.environ | {"HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_the_pieces_on_a_small_corpus(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(tiny.workspace)
    train = tiny.manifest.identity.samples["train"]
    assert seen((0, 2), tmp_path, "tiny") == [train] * 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_pieces_on_the_demo(tmp_path: Path) -> None:
    done = run("demo", "--workspace", tmp_path / "data", "--no-prefect", env={}, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    samples = find_version(Storage(str(tmp_path / "data")), "demo").identity.samples
    assert seen((0, 1, 2), tmp_path, "demo") == [samples["train"]] * 3

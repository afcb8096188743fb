"""The programs and the notebook of examples/ run, at small size."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from docs.generate import notebook
from tests.support.paths import ROOT

EXAMPLES = ROOT / "examples"
PHOTOS = 4


def pixels(path: Path) -> NDArray[np.uint8]:
    """An image file, (H, W, 3)."""
    with Image.open(path) as image:
        return np.asarray(image)


def run(name: str, *arguments: object) -> None:
    """Run a program of examples/ in this process: torch is imported once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder, with a few photographs and the corpus of them."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("thirty_photos.py", ".", "--photos", PHOTOS)
        run("own_photos.py", "photos", "--out", ".")
        yield folder


def test_photographs_are_half_as_large_as_what_they_show(folder: Path) -> None:
    assert len(list((folder / "photos").iterdir())) == PHOTOS
    scenes = sorted((folder / "held_out/scenes").iterdir())
    photographs = sorted((folder / "held_out/photos").iterdir())
    assert [one.stem for one in photographs] == [one.stem for one in scenes]
    for photograph, scene in zip(photographs, scenes, strict=True):
        height, width, _ = pixels(photograph).shape
        assert pixels(scene).shape == (2 * height, 2 * width, 3)


def test_own_photos_shows_pairs(folder: Path) -> None:
    height, width, _ = pixels(folder / "pairs.png").shape
    assert width == 3 * (2 * 96 + 4)
    assert height == 2 * (2 * 96 + 4)


def test_the_trainer_trains(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("basicsr_style_trainer.py", "own-photos", "--steps", 2, "--batch", 2)
    printed = capsys.readouterr().out
    assert re.search(r"validation: \d\d\.\d\d dB, bicubic \d\d\.\d\d dB", printed)
    weights = torch.load(folder / "net.pth", weights_only=True)["params"]
    assert weights["first.weight"].shape == (24, 3, 3, 3)


def kinds(document: dict[str, Any]) -> list[list[str]]:
    """What kinds of output each code cell has."""
    cells = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    return [
        [kind for output in cell["outputs"] for kind in sorted(output.get("data", ("text",)))]
        for cell in cells
    ]


def test_the_notebook_runs_and_gives_what_it_shows(folder: Path) -> None:
    stored = notebook.read()
    assert [cell["execution_count"] for cell in stored["cells"] if "outputs" in cell] == [
        *range(1, len(kinds(stored)) + 1)
    ]
    done = notebook.executed(stored)
    assert kinds(done) == kinds(stored)
    last = "".join(done["cells"][-1]["outputs"][0]["text"])
    assert last == "torch.Size([2, 3, 48, 48]) torch.Size([2, 3, 24, 24]) torch.uint8\n"


def test_the_notebook_holds_no_place_and_no_time() -> None:
    text = re.sub(r'"image/png": "[^"]*"', "", notebook.NOTEBOOK.read_text("utf-8"))
    assert not re.search(r"/home|/tmp|/root|/Users|\d\d:\d\d|20\d\d-\d\d", text)
    assert notebook.NOTEBOOK.stat().st_size < 3e5


def test_the_index_names_all() -> None:
    index = (EXAMPLES / "README.md").read_text("utf-8")
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert set(re.findall(r"\]\(([\w.]+)\)", index)) == there

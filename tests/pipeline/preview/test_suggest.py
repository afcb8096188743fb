"""A new recipe fits the photos of its folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pairmill.flows.cli.new import write_recipe
from pairmill.pipeline.preview.suggest import Suggestion, suggest
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.stages import ingest
from pairmill.schemas.recipe import Recipe
from tests.support.make import photograph, save


def suggested(folder: Path, scale: int = 2) -> Suggestion:
    images, tiles = {"real": str(folder)}, {"size": 24}
    value = {"name": "a", "scale": scale, "images": images, "tiles": tiles}
    recipe = Recipe.model_validate(value)
    return suggest(recipe, ingest.find(recipe.images, "/").files)


@pytest.mark.parametrize(
    ("size", "scale", "tile"),
    [((480, 640), 2, 96), ((480, 640), 8, 96), ((200, 300), 3, 96), ((80, 90), 2, 32)],
)
def test_tiles_fit(tmp_path: Path, size: tuple[int, int], scale: int, tile: int) -> None:
    """Four of a photo where that can be: HR of 640 x 480 is 320 x 240, which has six of 96."""
    save(photograph(1, *size), tmp_path / "1.png")
    found = suggested(tmp_path, scale)
    assert (found.tile, found.factor) == (tile, 2)


def test_patches_are_as_small_as_noise_asks_for(tmp_path: Path) -> None:
    for seed in range(3):  # the flat quarter of each has 3 x 3 of 32 pixels, and 1 of 64
        save(photograph(seed, 197, 211), tmp_path / f"{seed}.png")
    found = suggested(tmp_path)
    assert found.patch == 32
    assert any("noise patches of 32 pixels" in why for why in found.why)


def test_soft_photos_are_downscaled_further(tmp_path: Path) -> None:
    """A Gaussian of 3 px leaves a tenth of the contrast at 0.114 cycles per pixel: 4 times."""
    scene = photograph(1, 331, 333, noise=0)
    save(cv2.GaussianBlur(scene, (0, 0), 3), tmp_path / "soft.png")
    found = suggested(tmp_path)
    assert found.factor == 4
    assert any("clean-up by 4: the photos show nothing finer than" in why for why in found.why)


def test_new_writes_what_the_photos_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save(photograph(1, 200, 300), tmp_path / "photos/1.png")
    (tmp_path / "photos/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    write_recipe("photos", 2, None)
    recipe = load_recipe("photos.yaml")[0]
    assert recipe.tiles.size == 96
    said = capsys.readouterr().out
    assert "tiles of 96 pixels: HR is about 150 x 100" in said
    assert "pairmill preview photos.yaml" in said


def test_folders_without_photos_get_the_defaults(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    assert suggested(tmp_path) == Suggestion()

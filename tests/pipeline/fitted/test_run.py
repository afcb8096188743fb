"""From photographs to a recipe: what is written, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import pairmill
from pairmill.flows import terminal
from pairmill.flows.cli.chain_fit import show
from pairmill.pipeline.fitted.choose import chosen
from pairmill.pipeline.fitted.recipe_text import absolute, recipe_text
from pairmill.pipeline.fitted.run import FittedChain, notes, only_changes
from pairmill.pipeline.recipe.load import parse_recipe
from pairmill.schemas.chain_fit import ChainFitConfig, DistanceRow
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.errors import UserError
from tests.support.cameras import kernel_of, write_photographs_by

GAUSSIAN = {"shape": "gaussian", "size": 21, "sigma_x": [0.4, 4.0], "sigma_y": 1.8}
WIDE = {
    "kind": "custom",
    "name": "wide",
    "weight": 2,
    "ops": [
        {"op": "blur", "kernel": GAUSSIAN},
        {"op": "subsample", "scale": 2},
        {"op": "gaussian_noise", "sigma": [0, 25]},
    ],
}
TINY = ChainFitConfig(trials=120, judged=40, rounds=2, tiles=1, side=32, bins=4)


def values(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "name": "soft",
        "images": {"real": [str(folder)]},
        "tiles": {"size": 64},
        "degraders": [{"kind": "bicubic"}, WIDE],
    } | changes


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs_by(
        tmp_path_factory.mktemp("photos") / "soft", kernel_of(1.8, 1.8), range(4)
    )


@pytest.fixture(scope="module")
def fitted(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> FittedChain:
    workspace = tmp_path_factory.mktemp("workspace")
    return pairmill.fit_chain(values(photographs), "wide", workspace, settings=TINY)


def test_the_chain_stands_where_it_stood_with_its_name_and_weight(fitted: FittedChain) -> None:
    bicubic, wide = fitted.recipe.degraders
    assert (bicubic.kind, wide.kind, wide.name, wide.weight) == ("bicubic", "custom", "wide", 2)
    assert wide == fitted.chain


def test_it_is_nearer_to_the_camera_and_the_table_says_how(fitted: FittedChain) -> None:
    before, after, bicubic, camera, _ = fitted.report.distances
    assert camera.camera < after.camera < before.camera
    assert bicubic.label == "bicubic"
    noise = next(row for row in fitted.report.settings if row.path == "ops[2].sigma")
    assert noise.before == "[0, 25]"
    assert 0 < noise.kept < 1
    assert len(noise.bins) == 4
    assert "4 photographs are few" in fitted.report.notes[0]


def test_more_rounds_are_advised_only_where_rounds_were_used_up() -> None:
    rows = tuple(DistanceRow(label="", camera=far, photographs=None) for far in (6.4, 3.8, 10.5))
    (cut,) = notes(12, rows, changed=True, cut_short=True)
    (ended,) = notes(12, rows, changed=True, cut_short=False)
    assert "3.8 away from the camera: try more rounds" in cut
    assert "3.8 away from the camera: its ranges do not reach" in ended
    assert len(notes(11, rows, changed=False, cut_short=False)) == 3


def test_what_is_written_is_an_ordinary_recipe(fitted: FittedChain, photographs: Path) -> None:
    text = recipe_text(fitted, values(photographs), "/here", "/there")
    assert text.startswith("# wide, fitted to 4 photographs")
    assert parse_recipe(text, "fitted.yaml").degraders == fitted.recipe.degraders


def test_the_table_is_printed(fitted: FittedChain, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=file, width=160, soft_wrap=True))
    show(fitted.report)
    assert "wide, fitted to 4 photographs" in file.getvalue()
    assert "[0, 25]" in file.getvalue()


def test_patterns_lead_to_the_same_places_from_another_folder() -> None:
    given = {
        "name": "a",
        "images": {"real": {"phone": ["p/*.jpg", "/abs", "s3://b"]}},
        "train": "t",
    }
    assert absolute(given, "/home") == {
        "name": "a",
        "images": {"real": {"phone": ["/home/p/*.jpg", "/abs", "s3://b"]}},
        "train": "/home/t",
    }


def test_only_what_changed_is_written_out() -> None:
    after = BsrganConfig().filled(2).model_copy(update={"noise": (2, 6), "sigma": (0.5, 1.0)})
    found = only_changes(BsrganConfig(), after, 2).model_dump(exclude_defaults=True)
    assert found == {"noise": (2, 6), "sigma": (0.5, 1.0)}


def recipe_with(*degraders: dict[str, Any]) -> pairmill.Recipe:
    return pairmill.Recipe.model_validate(values(Path("photos"), degraders=list(degraders)))


def test_a_published_chain_that_the_recipe_lacks_is_taken() -> None:
    assert chosen(recipe_with({"kind": "bicubic"}), "bsrgan") == BsrganConfig()


@pytest.mark.parametrize("kind", ["realsr", "pdm", "bicubic", "ikc", "custom"])
def test_what_cannot_be_fitted_says_why(kind: str) -> None:
    with pytest.raises(UserError, match=f"degrader {kind} cannot be fitted"):
        chosen(recipe_with({"kind": "realsr"}), kind)


def test_an_unknown_name_and_a_chain_without_ranges() -> None:
    recipe = recipe_with({"kind": "custom", "ops": [{"op": "jpeg", "quality": 90}]})
    with pytest.raises(UserError, match="no such degrader"):
        chosen(recipe, "bsrgam")
    with pytest.raises(UserError, match="nothing to fit"):
        chosen(recipe, "custom")


def test_three_photographs_are_too_few(tmp_path: Path) -> None:
    folder = write_photographs_by(tmp_path / "photos", kernel_of(1.8, 1.8), range(3))
    with pytest.raises(UserError, match="too few photographs") as error:
        pairmill.fit_chain(values(folder), "wide", tmp_path / "data", settings=TINY)
    assert "3 usable" in str(error.value)


def test_tiles_too_small_to_see_anything(tmp_path: Path, photographs: Path) -> None:
    recipe = values(photographs, tiles={"size": 32})
    with pytest.raises(UserError, match="tiles are too small"):
        pairmill.fit_chain(recipe, "wide", tmp_path / "data", settings=TINY)

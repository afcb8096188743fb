"""Fits of translators, and of PDM that starts measured, killed at their checks: the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.stages import fit_pdm, fit_translation
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.translation import METHODS
from tests.support.killed import BUILD, killed
from tests.support.make import PDM, build, photograph, save, tiny_recipe, translation, tree

STAGES = (fit_pdm.STAGE.name, fit_translation.STAGE.name)


def recipe_of(folder: Path) -> Recipe:
    """Enough photographs for an AUC, without which nothing measured is corrected: of the scenes
    that HR shows, so that patches match."""
    for number in range(6):
        save(photograph(number, 97, 101), folder / f"real/{number}.png")
        save(photograph(number, 97, 101, noise=0), folder / f"clean/{number}.png")
    drawn: list[dict[str, Any]] = [
        {"kind": kind, "accept_failed": True} for kind in ("pdm", *METHODS)
    ]
    sections = {method: translation(method) for method in METHODS}
    pdm = PDM | {"start_from": "measured", "crop": 16}
    return tiny_recipe(folder, degraders=drawn, pdm=pdm, **sections)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_fit_that_is_killed_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """PDM before it learns, half-way and at the end, the others half-way."""
    recipe = recipe_of(tmp_path)
    file = tmp_path / "recipe.json"
    file.write_text(recipe.model_dump_json())
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    wanted = build(recipe, whole)
    for _ in range(3):
        assert killed(BUILD, fit_pdm.STAGE.name, "any", file, broken)
    for _ in METHODS:
        assert killed(BUILD, fit_translation.STAGE.name, "first", file, broken)
    assert build(recipe, broken).digest == wanted.digest
    for stage in STAGES:
        assert tree(broken / "stages" / stage) == tree(whole / "stages" / stage)

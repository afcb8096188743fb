"""Corpora of all translators, from the recipe to a replayed sample; their pool, op and degrader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.flows.cli.pool_tables import show_pools
from pairmill.pipeline import degraders
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.pools.translation import TITLES
from pairmill.pipeline.rng import stream
from pairmill.pipeline.stages import pool_translation
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.translation import METHODS
from pairmill.schemas.translation_fit import TranslationReason
from tests.support.make import (
    Counting,
    Tiny,
    build,
    make_stages,
    photograph,
    tiny_recipe,
    translation,
    write_photographs,
)
from tests.support.pools import translator_pool


def recipe_of(folder: Path, *methods: str, **changes: Any) -> Recipe:
    """A corpus of translators alone."""
    sections = {method: translation(method) for method in methods}
    drawn = [{"kind": method, "accept_failed": True} for method in methods]
    return tiny_recipe(folder, **{"degraders": drawn, **sections, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Storage, CorpusManifest]:
    """A corpus of all five."""
    folder = tmp_path_factory.mktemp("translators")
    write_photographs(folder / "photographs")
    manifest = build(recipe_of(folder / "photographs", *METHODS), folder / "workspace")
    return folder, Storage(str(folder / "workspace")), manifest


def test_every_method_builds_verifies_and_replays(
    whole: tuple[Path, Storage, CorpusManifest],
) -> None:
    folder, storage, manifest = whole
    assert set(manifest.identity.degraders) == set(METHODS)
    assert {ref.kind for ref in manifest.identity.pools} == set(METHODS)
    assert verify(storage, manifest).findings == ()
    keys = [row.key for row in read_table(storage, manifest)]
    found = find_samples(storage, manifest, keys)
    replayed = list(replay(storage, manifest, found))
    assert len(replayed) == len(keys)
    assert all(sample.identical for sample in replayed)
    report = next((folder / "workspace").rglob("index.html")).read_text()
    assert all(title in report for title in TITLES.values())


def test_a_recipe_without_translators_is_what_it_was(tiny: Tiny) -> None:
    assert not set(METHODS) & set(tiny.manifest.identity.recipe)


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_that_fails_is_not_drawn_from(method: str, tmp_path: Path) -> None:
    folder = write_photographs(tmp_path / "photographs")
    strict = translation(method) | {"gates": {"max_auc": 1, "min_effect": 200}}
    recipe = recipe_of(folder, **{"degraders": [{"kind": method}], method: strict})
    with pytest.raises(UserError) as caught:
        make_stages(recipe, tmp_path / "workspace")
    assert caught.value.where == f"recipe section {method}"
    assert "differs from bicubic LR by" in str(caught.value.got)
    assert f"raise {method}.samples" in str(caught.value.todo)


def test_every_gate_has_words() -> None:
    gates = pool_translation.gates_of("maeda", "Maeda")
    assert set(gates.advice) == set(TranslationReason)
    assert set(gates.found) == set(TranslationReason) - {TranslationReason.NOT_FINITE}


def test_another_gate_judges_the_same_fit(tmp_path: Path) -> None:
    folder = write_photographs(tmp_path / "photographs")
    first = make_stages(recipe_of(folder, "dsgan"), tmp_path / "workspace")
    looser = translation("dsgan") | {"gates": {"max_auc": 1, "min_effect": 0, "max_colour": 200}}
    counting = Counting()
    again = make_stages(
        recipe_of(folder, "dsgan", dsgan=looser), tmp_path / "workspace", watcher=counting
    )
    assert {name for name, count in counting.computed.items() if count} == {"pool_translation"}
    assert again.sealed["dsgan"].manifest.digest == first.sealed["dsgan"].manifest.digest


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_draw_depends_on_its_key_alone(method: str, scale: int) -> None:
    from_hr = method == "bulat"
    known, assets = translator_pool(method, scale, from_hr=from_hr, shift=(0.25, -0.5))
    degrader = degraders.build(CONFIGS[method].model_validate({}), scale, known)
    for shape in ((1, 1), (1, 7), (8, 9), (37, 31)):
        hr = photograph(1, shape[0] * scale, shape[1] * scale)
        program = degrader.draw(stream(7, "draw", "a"), hr.shape[:2])
        lr = apply(program, hr, assets)
        assert lr.shape == (*shape, 3)
        np.testing.assert_array_equal(apply(program, hr.copy(), assets), lr)
    other = degrader.draw(stream(7, "draw", "b"), hr.shape[:2])
    assert (apply(other, hr, assets) != lr).any()
    assert "translator" in program.words({})[0]


@pytest.mark.parametrize("method", METHODS)
def test_without_a_fit_it_says_what_to_do(method: str) -> None:
    with pytest.raises(UserError) as caught:
        degraders.build(CONFIGS[method].model_validate({}), 2, Pools())
    assert f"pairmill fit {method}" in str(caught.value.todo)


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    folder = write_photographs(tmp_path / "photographs")
    recipe = recipe_of(folder, "dsgan", dsgan=translation("dsgan") | {"vgg_weights": "/no/vgg.pth"})
    with pytest.raises(UserError) as caught:
        make_stages(recipe, tmp_path / "workspace")
    assert caught.value.where == "recipe key dsgan.vgg_weights"


def test_a_fit_alone_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Though nothing has told the photographs apart by camera yet."""
    folder = write_photographs(tmp_path / "photographs")
    recipe = recipe_of(folder, "dsgan", groups={"by": "spectra", "min_photographs": 1})
    make_stages(recipe, tmp_path / "workspace")
    (tmp_path / "recipe.yaml").write_text(recipe.model_dump_json())
    show_pools(str(tmp_path / "recipe.yaml"), str(tmp_path / "workspace"), "dsgan")
    assert "DSGAN" in capsys.readouterr().out

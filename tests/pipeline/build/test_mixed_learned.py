"""RealSR, PDM and ReDegNet in one recipe: killed in both fits, finished, checked, replayed, ranked
by realism."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.stages import fit_pdm, fit_redegnet, learned_fit
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.report import ReportData
from tests.support.killed import BUILD, killed
from tests.support.make import build, photograph, save, tiny_recipe, tree, with_redegnet

pytestmark = pytest.mark.slow
LEARNED = ("pdm", "realsr", "redegnet")


def recipe_of(folder: Path) -> Recipe:
    """Photos and HR of which the LR tiles give enough patches of 16 pixels to be distinguished,
    and pairs of LQ and HQ."""
    for number in range(5):
        save(photograph(number, 131, 137), folder / f"real/{number}.png")
        hq = photograph(50 + number, 71, 67, noise=0)
        save(hq, folder / f"hq/{number}.png")
        save((hq // 2 + 20 * number).astype("uint8"), folder / f"lq/{number}.png")
    degraders: list[dict[str, Any]] = [{"kind": "realsr"}, {"kind": "pdm", "accept_failed": True}]
    recipe = tiny_recipe(
        folder,
        images={"real": [f"{folder}/real"]},
        tiles={"size": 64},
        samples_per_tile=30,
        degraders=degraders,
        splits={"train": 1, "val": 0},
        realism={"patch": 16, "patches": 600, "folds": 2, "network": False},
        curation={},
        kernels={"iterations": 10, "restarts": 1, "crop": 40},
    )
    return with_redegnet(recipe, folder)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return recipe_of(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def whole(
    recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Storage, CorpusManifest]:
    """The corpus, never interrupted."""
    workspace = tmp_path_factory.mktemp("whole")
    return Storage(str(workspace)), build(recipe, workspace)


def killed_in(stage: str, recipe: Recipe, workspace: Path) -> None:
    """By SIGKILL, when the fit of a stage has written its state for the first time."""
    file = workspace / "recipe.json"
    file.write_text(recipe.model_dump_json())
    assert killed(BUILD, stage, "first", file, workspace)


def test_killed_in_both_fits_it_ends_in_the_same_corpus(
    recipe: Recipe, whole: tuple[Storage, CorpusManifest], tmp_path: Path
) -> None:
    storage, manifest = whole
    for stage in (fit_pdm.STAGE.name, fit_redegnet.STAGE.name):
        killed_in(stage, recipe, tmp_path)
        left = tree(tmp_path / "stages" / stage)
        assert [name for name in left if name.endswith(learned_fit.STATE)]
        assert not [name for name in left if name.endswith("result.json")]
    again = build(recipe, tmp_path)
    assert again.digest == manifest.digest
    for stage in (fit_pdm.STAGE.name, fit_redegnet.STAGE.name):
        assert tree(tmp_path / "stages" / stage) == tree(Path(storage.path(f"stages/{stage}")))


def test_it_verifies_and_every_sample_is_replayed(whole: tuple[Storage, CorpusManifest]) -> None:
    storage, manifest = whole
    assert verify(storage, manifest).findings == ()
    rows = list(read_table(storage, manifest))
    assert {row.degrader for row in rows} == set(LEARNED)
    found = find_samples(storage, manifest, [row.key for row in rows])
    assert all(sample.identical for sample in replay(storage, manifest, found))


def test_the_report_ranks_the_degraders_and_shows_both_fits(
    whole: tuple[Storage, CorpusManifest],
) -> None:
    storage, manifest = whole
    folder = f"{layout.version_folder(manifest.identity.name, manifest.version)}/report"
    data = ReportData.model_validate_json(storage.read(f"{folder}/report.json"))
    assert data.realism is not None
    ranked = [row for row in data.realism.rows if row.name in LEARNED]
    assert {row.name for row in ranked} == set(LEARNED)
    distances = [row.result.distance for row in ranked if row.result.auc is not None]
    assert [row.result.problem for row in ranked] == ["", "", ""]
    assert distances == sorted(distances)
    assert data.fits is not None
    pdm, redegnet = data.fits.fits
    assert (pdm.name, pdm.samples, redegnet.name, redegnet.samples) == ("PDM", 16, "ReDegNet", 4)
    assert pdm.reasons == redegnet.reasons == ()
    page = storage.read(f"{folder}/index.html").decode()
    for view in (pdm, redegnet):
        assert len(view.charts[0][2][0].points) == (4 if view is pdm else 2)
        for picture in filter(None, (view.first, view.picture, view.kernels)):
            assert storage.exists(f"{folder}/{picture}")
            assert f'src="{picture}"' in page
    assert not [title for title, _, _ in redegnet.charts if title == "Features"]  # there was no VGG
    assert (
        "realsr" not in page.split('class="lead"')[1].split("</p>")[0]
    )  # what the corpus is, in words

"""One network trained on corpora of several scales: every batch is of one of them, and all else
that a run promises holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from pairmill.flows.cli.upscale import run_upscale
from pairmill.models.archs.layers import MultiScale
from pairmill.models.archs.weights import load_network
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.evaluate.networks import load, load_all
from pairmill.pipeline.training.data import Feed, open_split
from pairmill.pipeline.training.recipe import load_training, on_version
from pairmill.pipeline.training.run import check, train_run
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from tests.pipeline.training.test_training import Killed, Killer, curve, files
from tests.support.make import build, photograph, save
from tests.support.paths import ROOT
from tests.support.training import RECIPE, config, run

pytestmark = pytest.mark.usefixtures("one_torch_thread")
MIXED: dict[str, Any] = {
    "corpus": {4: "four", 2: "two"},
    "network": {"arch": "lapsrn", "features": 6, "depth": 1, "shared": True},
    "steps": 12,
    "batch": 3,
    "validation": {"every": 5, "images": 2, "pictures": 1},
    "checkpoints": {"every": 4, "keep": 1},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """`two` and `four` of the same photos in the same splits, and `other` of other splits."""
    folder = tmp_path_factory.mktemp("scales")
    for seed in range(4):
        save(photograph(seed, 101, 131, noise=0), folder / f"photos/{seed}.png")
    recipe = RECIPE | {
        "images": {"clean": [f"{folder}/photos"]},
        "degraders": [{"kind": "bicubic"}],
        "samples_per_tile": 1,
    }
    variants: tuple[tuple[str, dict[str, Any]], ...] = (
        ("two", {}),
        ("four", {"scale": 4}),
        ("other", {"scale": 4, "splits": {"train": 0.3, "val": 0.7}}),
    )
    for name, more in variants:
        build(Recipe.model_validate(recipe | {"name": name} | more), folder / "workspace")
    return Storage(str(folder / "workspace"))


def test_a_mixed_run_killed_anywhere_ends_in_the_same_bits(workspace: Storage) -> None:
    whole = run(workspace, name="mixed", **MIXED)
    for at in (3, 6, 11):
        with pytest.raises(Killed):
            run(workspace, Killer(at), name="killed", **MIXED)
    again = run(workspace, name="killed", **MIXED)
    assert again.made < 12
    assert files(again) == files(whole)
    assert curve(again) == curve(whole)
    versions = {scale: find_version(workspace, name) for scale, name in ((2, "two"), (4, "four"))}
    assert {scale: one.version for scale, one in whole.run.versions.items()} == {
        scale: one.version for scale, one in versions.items()
    }
    card = json.loads(
        Path(whole.folder.checkpoint("last").replace(".safetensors", ".json")).read_text()
    )
    assert (card["scale"], card["smaller"]) == (4, {"2": f"two@{versions[2].version}"})
    last = whole.scores[-1]
    assert sorted(last.scales) == [2, 4]
    assert sorted(last.degraders) == ["x2/bicubic", "x4/bicubic"]
    assert last.psnr_y == pytest.approx(sum(last.scales.values()) / 2, abs=1e-4)
    lines = [dict(line) for line in curve(whole) if "psnr_y" in dict(line)]
    assert lines[-1]["psnr_y/x2"] == last.scales[2]
    with Image.open(whole.folder.storage.path(layout.training_picture("mixed", 12))) as picture:
        assert picture.height == 2 * (18 + 4 * 48 + 6)


def test_a_checkpoint_has_all_scales(workspace: Storage, tmp_path: Path) -> None:
    """The largest without asking; `--scale` and the images of an evaluation choose another."""
    file = run(workspace, name="mixed", **MIXED).folder.checkpoint("last")
    assert load(file).view.scale == 4
    assert load(file, scale=2).view.scale == 2
    assert [one.view.scale for one in load_all([file], 2)] == [2, 2]
    with pytest.raises(UserError, match="scales differ"):
        load_all([file], 3)
    save(photograph(1, 9, 7, noise=0), tmp_path / "in/one.png")
    options: dict[str, Any] = {"tile": 0, "overlap": None, "ensemble": False}
    options |= {"device": "cpu", "precision": "float32"}
    run_upscale([str(tmp_path / "in")], file, str(tmp_path / "out"), "", options, 2)
    with Image.open(tmp_path / "out/one.png") as made:
        assert made.size == (14, 18)
    with pytest.raises(UserError, match="for another scale"):
        run_upscale([str(tmp_path / "in")], file, str(tmp_path / "out"), "", options, 3)


def test_batches_of_both_scales_come_in_an_order_that_the_seed_says(workspace: Storage) -> None:
    sources = {
        scale: open_split(workspace, find_version(workspace, name), "train")
        for scale, name in ((2, "two"), (4, "four"))
    }

    def scales(seed: int) -> list[int]:
        feed = Feed(config(**MIXED | {"steps": 40, "seed": seed}), sources)
        batches = iter(feed)
        return [hr.shape[-1] // lr.shape[-1] for hr, lr in (next(batches) for _ in range(40))]

    first = scales(0)
    assert 10 < first.count(2) < 30
    assert scales(0) == first != scales(1)


GROWING: dict[str, Any] = {
    "network": {
        "arch": "prosr",
        "features": 4,
        "growth": 2,
        "layers": 1,
        "blocks": [1, 1, 1],
        "heads": [2, 4],
    },
}


def test_a_growing_network_begins_with_its_smallest_scale(workspace: Storage) -> None:
    """The second scale begins after 0.12 of the steps; a run that is killed while it is being
    faded in ends in the same bits."""
    sources = {
        scale: open_split(workspace, find_version(workspace, name), "train")
        for scale, name in ((2, "two"), (4, "four"))
    }
    batches = iter(Feed(config(**MIXED | GROWING | {"steps": 100}), sources))
    scales = [hr.shape[-1] // lr.shape[-1] for hr, lr in (next(batches) for _ in range(40))]
    assert scales[:12] == [2] * 12
    assert set(scales[12:]) == {2, 4}
    run_of = MIXED | GROWING | {"steps": 20, "checkpoints": {"every": 2}, "ema": 0}
    whole = run(workspace, name="grown", **run_of)
    with pytest.raises(Killed):
        run(workspace, Killer(5), name="growing", **run_of)
    assert files(run(workspace, name="growing", **run_of)) == files(whole)


def test_views_share_the_weights_and_know_their_scale() -> None:
    from pairmill.models.archs import build as network_of

    network = network_of(config(**MIXED).network, 8)
    assert isinstance(network, MultiScale)
    small = network.at(2)
    assert (small.scale, network.scale) == (2, 8)
    assert small.state_dict().keys() == network.state_dict().keys()
    with torch.no_grad():
        lr = torch.rand(1, 3, 5, 4)
        assert small(lr).shape == (1, 3, 10, 8)
        before = small(lr)
        next(network.parameters()).mul_(2)
        assert not torch.equal(small(lr), before)
    with pytest.raises(ValueError, match=r"lapsrn has scales 2, 4, 8, not 3"):
        network.at(3)


def test_a_mixed_run_starts_from_a_mixed_checkpoint(workspace: Storage, tmp_path: Path) -> None:
    file = run(workspace, name="mixed", **MIXED).folder.checkpoint("last")
    tuned = run(
        workspace,
        base=str(tmp_path),
        name="tuned",
        **MIXED | {"start_from": {"file": file}, "steps": 1, "optimiser": {"learning_rate": 1e-30}},
    )
    one, other = (
        load_network(Path(each).read_bytes(), each).state_dict()
        for each in (file, tuned.folder.checkpoint("last"))
    )
    for key, value in one.items():
        torch.testing.assert_close(other[key], value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"corpus": {2: "four", 4: "two"}}, "another scale than the training recipe"),
        ({"corpus": {2: "two", 4: "other"}}, "are validated on in another"),
        ({"corpus": {2: "two", 4: "pears"}}, "there is no corpus called 'pears'"),
        ({"crop": 34}, "a multiple of 4"),
        ({"batch": 500}, "two@"),
    ],
)
def test_corpora_that_do_not_fit_are_told(
    workspace: Storage, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        run(workspace, name="refused", **MIXED | changes)
    assert said in caught.value.text()
    assert not workspace.exists(layout.training_folder("refused"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"corpus": {2: "two", 3: "three"}}, "cannot be built for scale 3"),
        ({"corpus": {2: "two", 8: "e"}, "scale": 8}, "scale: goes with one corpus"),
        ({"corpus": {2: "two"}}, "at least 2"),
        ({"network": {"arch": "edsr"}}, "edsr has scales [4], the corpora are of [2, 4]"),
    ],
)
def test_recipes_that_do_not_fit_are_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**MIXED | changes)
    assert said in str(caught.value)


def test_a_build_trains_on_one_corpus_alone(workspace: Storage) -> None:
    check(config(**MIXED), workspace)
    with pytest.raises(UserError, match="wants a corpus for each of its scales"):
        on_version(config(**MIXED), find_version(workspace, "four"))


def test_the_tracked_recipe_runs(workspace: Storage) -> None:
    """With small settings, on small corpora."""
    recipe, _ = load_training(str(ROOT / "data/recipes/train/scales.yaml"))
    small = {"name": "recipe", "corpus": {2: "two", 4: "four"}, "steps": 2, "crop": 32, "batch": 2}
    looks = {"every": 2, "images": 1, "pictures": 0}
    config = recipe.with_(**small, validation=looks, loading={"workers": 0})
    done = train_run(
        config.with_(network={"arch": "carn", "heads": (2, 4), "features": 4}), "/", workspace
    )
    assert sorted(done.scores[-1].scales) == [2, 4]

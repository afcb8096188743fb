"""Corpora with real pairs: shares, splits, replays, and what cannot be made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairmill.pipeline.build.identity import identity_of
from pairmill.pipeline.build.reproduce import Bench, reproduce
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.explain.explain import explain
from pairmill.pipeline.pools.aligned import ALIGNED, judged_pairs
from pairmill.pipeline.pools.base import Making, Showing
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.recipe.load import parse_recipe
from pairmill.pipeline.runner.execution import SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed, Stage
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.diff import Outcome
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.sample import SampleRow
from tests.support.make import Counting, build, make_stages, photograph, save
from tests.support.real_pairs import real_pair

SHAPE = (104, 98)
MIXED = [{"kind": "aligned", "weight": 1}, {"kind": "bicubic", "weight": 3}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good pairs, one of two scenes and one with a broken file; three clean images; and the
    corpus of all."""
    folder = tmp_path_factory.mktemp("real")
    for seed in range(3):
        lr, hr = real_pair(seed + (seed == 2), SHAPE)
        save(lr, folder / f"lr/scene_{seed}_LR2.png")
        save(hr if seed < 2 else real_pair(9, SHAPE)[1], folder / f"hr/scene_{seed}_HR.png")
    (folder / "lr/broken.png").write_bytes(b"no photograph")
    save(photograph(1, 97, 99), folder / "hr/broken.png")
    for seed in range(3):
        save(photograph(seed, 131, 103, noise=0), folder / f"clean/{seed}.png")
    return folder


def recipe_of(folder: Path, **changes: Any) -> Recipe:
    value: dict[str, Any] = {
        "name": "real",
        "images": {
            "clean": [f"{folder}/clean"],
            "aligned": {"lr": f"{folder}/lr", "hr": f"{folder}/hr"},
        },
        "tiles": {"size": 32},
        "splits": {"train": 0.5, "val": 0.5},
        "shards": {"samples": 12},
        "degraders": MIXED,
    }
    return Recipe.model_validate(value | changes)


@pytest.fixture(scope="module")
def corpus(folder: Path) -> tuple[Storage, CorpusManifest]:
    manifest = build(recipe_of(folder), folder / "workspace")
    return Storage(str(folder / "workspace")), manifest


def rows(corpus: tuple[Storage, CorpusManifest]) -> list[SampleRow]:
    return list(read_table(*corpus))


def test_weights_are_the_shares_of_samples_in_every_split(
    corpus: tuple[Storage, CorpusManifest],
) -> None:
    counts = Counter((row.split, row.degrader) for row in rows(corpus))
    assert set(counts) == {(s, d) for s in ("train", "val") for d in ("aligned", "bicubic")}
    for split in ("train", "val"):
        assert counts[split, "aligned"] == round(counts[split, "bicubic"] / 3)


def test_a_scene_is_in_one_split(corpus: tuple[Storage, CorpusManifest]) -> None:
    found: dict[str, set[str]] = {}
    for row in rows(corpus):
        found.setdefault(row.image, set()).add(row.split)
    assert all(len(splits) == 1 for splits in found.values())
    assert len(found) == 5


def test_all_is_verified_and_replayed(corpus: tuple[Storage, CorpusManifest]) -> None:
    storage, manifest = corpus
    assert verify(storage, manifest).ok
    keys = [row.key for row in rows(corpus) if row.degrader == "aligned"]
    assert all(key.startswith("pair-") for key in keys)
    again = list(replay(storage, manifest, find_samples(storage, manifest, keys)))
    assert len(again) == len(keys) > 4
    assert all(one.identical for one in again)
    assert all(one.lr.shape == (16, 16, 3) for one in again)


def test_lr_is_what_the_camera_made(corpus: tuple[Storage, CorpusManifest], folder: Path) -> None:
    """Every LR tile is a part of its photograph, pixel for pixel."""
    storage, manifest = corpus
    photographs = [
        np.asarray(Image.open(path)) for path in sorted((folder / "lr").glob("scene*.png"))
    ]
    keys = [row.key for row in rows(corpus) if row.degrader == "aligned"]
    for one in replay(storage, manifest, find_samples(storage, manifest, keys)):
        assert any(
            (photo[top : top + 16, left : left + 16] == one.lr).all()
            for photo in photographs
            for top in range(photo.shape[0] - 15)
            for left in np.flatnonzero((photo[top, : photo.shape[1] - 15] == one.lr[0, 0]).all(1))
        )


def test_bad_pairs_are_left_out_and_said(
    corpus: tuple[Storage, CorpusManifest], folder: Path
) -> None:
    storage, manifest = corpus
    counts = manifest.counts
    assert (counts["real_pairs"], counts["real_pairs_rejected"]) == (2, 2)
    making = making_of(recipe_of(folder), folder / "workspace")
    verdicts = {pair.name: pair for pair in judged_pairs(making, storage)}
    assert verdicts["scene_2"].reason == "other-scene"
    assert "correlates by" in verdicts["scene_2"].detail
    assert verdicts["broken.png"].reason == "unusable"
    assert "not-an-image" in verdicts["broken.png"].detail
    [table] = ALIGNED.tables(Showing(making, storage, making.of(ALIGNED), {}))
    assert table.title.startswith("real pairs ")
    assert "2 of 4 used" in table.title
    assert sum("scene_2: they do not show the same scene" in note for note in table.notes) == 1
    report = (storage.read(f"corpora/real/{manifest.version}/report/index.html")).decode()
    assert "2 of 4 pairs of photos could be registered" in report
    assert str(folder) not in report


def making_of(recipe: Recipe, workspace: Path) -> Making:
    profile = Profile(str(workspace))

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        return run_stage(stage, inputs, config, profile, SerialExecutor(), ProgressListener())

    made = make_stages(recipe, workspace)
    return Making(recipe=recipe, images=made.images.manifest, base="/", run=run)


def test_real_pairs_change_no_other_sample(
    corpus: tuple[Storage, CorpusManifest], folder: Path
) -> None:
    """Shards of clean images are those of a recipe without pairs, and so are the programs."""
    plain = make_stages(recipe_of(folder, degraders=MIXED[1:]), folder / "workspace")
    mixed = {shard.sha256 for shard in corpus[1].identity.shards}
    assert {ref.result.tar.sha256 for ref in plain.shards.manifest.shards} < mixed
    assert "aligned" not in identity_of(plain).recipe
    assert "aligned" in corpus[1].identity.recipe


def test_a_version_is_reproduced_without_the_pairs(
    corpus: tuple[Storage, CorpusManifest], tmp_path: Path
) -> None:
    storage, manifest = corpus
    bench = Bench(Profile(str(tmp_path / "bench")), SerialExecutor(), ProgressListener())
    found = reproduce(storage, manifest, bench)
    assert found.outcome == Outcome.IDENTICAL
    assert found.from_pools
    assert not (tmp_path / "bench/stages/align_pairs").exists()


def test_a_sample_is_explained(corpus: tuple[Storage, CorpusManifest], tmp_path: Path) -> None:
    storage, manifest = corpus
    key = next(row.key for row in rows(corpus) if row.degrader == "aligned")
    said = explain(storage, manifest, key, Storage(str(tmp_path)), "page")
    assert said.identical
    assert "HR of a real pair" in said.origin.note
    assert said.origin.source.endswith("_HR.png")
    assert [row.kind for row in said.rows] == ["aligned"]
    assert said.rows[0].source.endswith("_LR2.png")


def test_a_second_build_computes_nothing_and_moved_pairs_are_not_registered_again(
    corpus: tuple[Storage, CorpusManifest], folder: Path, tmp_path: Path
) -> None:
    for half in ("lr", "hr"):
        for path in (folder / half).iterdir():
            (tmp_path / half).mkdir(exist_ok=True)
            (tmp_path / half / path.name).write_bytes(path.read_bytes())
    images = {
        "clean": [f"{folder}/clean"],
        "aligned": {"lr": f"{tmp_path}/lr", "hr": f"{tmp_path}/hr"},
    }
    counting = Counting()
    manifest = build(recipe_of(folder, images=images), folder / "workspace", watcher=counting)
    assert manifest.version == corpus[1].version
    computed = {name: count for name, count in counting.computed.items() if count}
    # A file that is no image has no digest but its place.
    assert computed == {"ingest_pairs": 4, "align_pairs": 1, "pool_aligned": 1}


def test_real_pairs_alone_are_a_corpus(folder: Path) -> None:
    alone = recipe_of(
        folder,
        name="alone",
        images={"aligned": {"lr": f"{folder}/lr", "hr": f"{folder}/hr"}},
        degraders=[{"kind": "aligned"}],
        samples_per_tile=2,
    )
    manifest = build(alone, folder / "workspace")
    assert manifest.identity.degraders == {"aligned": 2 * manifest.counts["real_pair_tiles"]}
    assert verify(Storage(str(folder / "workspace")), manifest).ok


def test_no_good_pair_at_all_stops_the_build(folder: Path, tmp_path: Path) -> None:
    images = {
        "clean": [f"{folder}/clean"],
        "aligned": {"lr": f"{folder}/lr/scene_2*", "hr": f"{folder}/hr/scene_2*"},
    }
    with pytest.raises(UserError, match="none of the real pairs is good enough") as caught:
        make_stages(recipe_of(folder, images=images), tmp_path)
    assert "scene_2: they do not show the same scene: their detail correlates by" in str(
        caught.value.got
    )


def test_tiles_larger_than_the_pairs_are_said(folder: Path, tmp_path: Path) -> None:
    only = recipe_of(
        folder,
        images={"aligned": {"lr": f"{folder}/lr", "hr": f"{folder}/hr"}},
        degraders=[{"kind": "aligned"}],
        tiles={"size": 256},
    )
    with pytest.raises(UserError, match="no real pair gives a tile") as caught:
        make_stages(only, tmp_path)
    assert "256 x 256" in str(caught.value.wanted)


def test_kernels_of_pairs_join_the_pool_on_request(folder: Path) -> None:
    lr = [f"{folder}/lr/scene_0_LR2.png"]
    images = {"real": lr, "aligned": {"lr": f"{folder}/lr", "hr": f"{folder}/hr"}}
    lenient = {"max_error": 9, "max_mismatch": 99, "min_detail": 0}
    counts = {}
    for joined in (False, True):
        recipe = recipe_of(
            folder,
            images=images,
            degraders=[{"kind": "kmsr"}],
            kernels={"method": "camera", "from_pairs": joined},
            kernel_quality=lenient,
            splits={"train": 1, "val": 0},
        )
        making = making_kernels(recipe, folder)
        counts[joined] = making.of(KERNELS).manifest.count
    assert counts == {False: 1, True: 3}
    details = [record.verdict.detail for record in making.of(KERNELS).manifest.judged]
    assert sum("from a real pair, by least squares" in detail for detail in details) == 2


def making_kernels(recipe: Recipe, folder: Path) -> Making:
    from pairmill.pipeline.build.select_images import select_images

    profile = Profile(str(folder / "workspace"))

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        return run_stage(stage, inputs, config, profile, SerialExecutor(), ProgressListener())

    images = select_images(recipe, "/", run).images.manifest
    return Making(recipe=recipe, images=images, base="/", run=run)


def test_recipes_without_pairs_say_so() -> None:
    for text, words in (
        ("images: {clean: [x]}\ndegraders: [{kind: aligned}]", "images.aligned, which is missing"),
        ("images: {real: [x]}\nkernels: {from_pairs: true}", "kernels.from_pairs takes kernels"),
        ("images: {aligned: {lr: a, hr: b}}\ndegraders: [{kind: bicubic}]", "real and clean"),
    ):
        with pytest.raises(UserError) as caught:
            parse_recipe(f"name: a\n{text}", "a.yaml")
        assert words in caught.value.text()

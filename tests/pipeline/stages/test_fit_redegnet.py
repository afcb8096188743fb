"""ReDegNet as stages: pairs in, a fit that survives being killed, two sealed pools, a verdict, and
samples drawn from them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from safetensors.torch import save as save_tensors

from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.models.redegnet.checkpoint import read_checkpoint, start_from
from pairmill.models.redegnet.draw import represent, synthesize
from pairmill.models.redegnet.fit import Fit
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets, pool_digest, read_assets
from pairmill.pipeline.build.identity import identity_of
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.images.decode import load, pixel_digest
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.redegnet import REDEGNET
from pairmill.pipeline.recipe.load import parse_recipe
from pairmill.pipeline.redegnet.files import check_sizes, patterns_of
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed, Stage
from pairmill.pipeline.shards.table import iterate
from pairmill.pipeline.stages import fit_redegnet, ingest_pairs
from pairmill.pipeline.stages.learned_fit import Learner
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.redegnet import RedegnetConfig
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.ops.learned import Redegnet
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.redegnet import PairSet, RedegnetManifest, RedegnetReason
from tests.support.make import Counting, make_stages, photograph, save
from tests.support.vgg import weights

SETTINGS: dict[str, Any] = {
    "net": {"side": 16, "code": 5, "first": 4, "most": 8, "mapping": 2, "skip_start": 1.0},
    "batch": 2,
    "samples": 8,
    "check_every": 4,
    "pairs": {"crops": 3},
    "gates": {"max_error_ratio": 99, "min_effect": 0, "min_diversity": 0},
}
FAILING: dict[str, Any] = SETTINGS | {"gates": {"max_error_ratio": 0.01}}


def write_pairs(folder: Path, count: int = 3) -> None:
    for seed in range(count):
        hq = photograph(40 + seed, 73, 67, noise=0)
        save(hq, folder / f"hq/{seed}.png")
        save(
            np.clip(hq.astype(int) + 9 + 9 * seed, 0, 255).astype(np.uint8),
            folder / f"lq/{seed}.png",
        )


def recipe_of(
    folder: Path, scale: int = 2, degrader: dict[str, Any] | None = None, **redegnet: Any
) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "faces",
            "scale": scale,
            "tiles": {"size": 32},
            "splits": {"train": 1, "val": 0},
            "images": {
                "clean": [f"{folder}/clean"],
                "pairs": {"lq": f"{folder}/lq", "hq": f"{folder}/hq"},
            },
            "degraders": [{"kind": "redegnet"} | (degrader or {})],
            "redegnet": SETTINGS | redegnet,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("faces")
    write_pairs(place)
    save(photograph(3, 71, 67, noise=0), place / "clean/3.png")
    return place


@pytest.fixture(scope="module")
def built(folder: Path) -> tuple[Storage, BuildResult]:
    workspace = folder / "workspace"
    return Storage(str(workspace)), make_stages(recipe_of(folder), workspace)


def runner(workspace: Path | str, watcher: ProgressListener | None = None) -> Any:
    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        return run_stage(
            stage,
            inputs,
            config,
            Profile(str(workspace)),
            SerialExecutor(),
            watcher or ProgressListener(),
        )

    return run


def assets_of(storage: Storage, made: BuildResult) -> Assets:
    return read_assets(storage, made.pools)


def samples(storage: Storage, made: BuildResult) -> Iterator[Any]:
    for ref in made.shards.manifest.shards:
        yield from iterate(
            io.BytesIO(storage.read(f"{layout.unit_folder('synthesize', ref.key)}/samples.parquet"))
        )


def test_the_pool_holds_the_representations_of_all_pairs(
    built: tuple[Storage, BuildResult],
) -> None:
    storage, made = built
    manifest = made.sealed["redegnet"].manifest
    group = zarr.open_group(
        storage.path(layout.pool_group("pool_redegnet", made.sealed["redegnet"].key, "codes")),
        mode="r",
    )
    codes, pairs = np.asarray(group["code"][...]), np.asarray(group["pair"][...])
    assert codes.shape == (9, 5)  # three crops of three pairs
    assert codes.dtype == np.float32
    assert pool_digest(codes) == manifest.codes
    assert (manifest.count, manifest.code, manifest.side) == (9, 5, 16)
    named = [bytes(row).hex() for row in pairs]
    assert len(set(named)) == 3
    assert named == sorted(named)
    assert all(named[3 * n] == named[3 * n + 1] == named[3 * n + 2] for n in range(3))
    assert manifest.verdict.accepted
    assert manifest.vgg is None  # said, not silent


def test_a_row_is_what_degnet_says_of_its_pair(
    built: tuple[Storage, BuildResult], folder: Path
) -> None:
    """Row by row again, from the files and the sealed networks."""
    storage, made = built
    recipe, images = made.recipe, {}
    assert recipe.images.pairs is not None
    sealed = runner(storage.root)(
        ingest_pairs.STAGE, ingest_pairs.find(patterns_of(recipe.images.pairs), "/"), recipe.ingest
    )
    for pair in sealed.manifest.pairs:
        images[pair.lq.pixel_sha256] = load(pair.lq), load(pair.hq)
    unit = layout.unit_folder("fit_redegnet", made.sealed["redegnet"].manifest.unit)
    config = fit_redegnet.fit_config(recipe.seed, recipe.redegnet).redegnet
    fit = Fit(lambda _: pytest.fail("no batch is needed"), config, 1)
    start_from(fit, storage.read(f"{unit}/networks.safetensors"))
    codes = read_assets(storage, made.pools).pools[made.sealed["redegnet"].manifest.codes]
    for number, pair in enumerate(sealed.manifest.pairs):
        lq, hq = (
            image[
                round(73 * 60 / 512) : round(73 * 500 / 512),
                round(67 * 60 / 512) : round(67 * 450 / 512),
            ]
            for image in images[pair.lq.pixel_sha256]
        )
        top, left = ((side - 16) // 2 for side in hq.shape[:2])
        cut = (slice(top, top + 16), slice(left, left + 16))
        np.testing.assert_array_equal(
            codes[3 * number], represent(fit.deg, hq[cut][None], lq[cut][None])[0]
        )


def test_a_sample_is_replayed_from_its_program(built: tuple[Storage, BuildResult]) -> None:
    """By the interpreter, and by hand: SynNet at HR size, then perhaps noise, then MATLAB's bicubic
    by the scale."""
    storage, made = built
    assets, rows = assets_of(storage, made), list(samples(storage, made))
    assert len(rows) == 3
    ref = next(ref for ref in made.hr.manifest.images)
    source = made.images.manifest.by_digest()[ref.hr.image]
    plain = 0
    for row in rows:
        program = Program.model_validate_json(row.program)
        assert set(program.pools()) == {
            made.sealed["redegnet"].manifest.digest,
            made.sealed["redegnet"].manifest.codes,
        }
        image = load(source)
        hr = image[row.box.top : row.box.top + 32, row.box.left : row.box.left + 32]
        lr = apply(program, hr, assets)
        assert pixel_digest(lr) == row.lr_sha256
        assert lr.shape == (16, 16, 3)
        op = program.ops[0]
        assert isinstance(op, Redegnet)
        if not any(isinstance(step, GaussianNoise) for step in program.ops):
            syn = read_checkpoint(assets.checkpoint(op.checkpoint))
            by_hand = to_uint8(bicubic_down(synthesize(syn, hr, assets.code(op.pool, op.index)), 2))
            np.testing.assert_array_equal(lr, by_hand)
            plain += 1
    assert plain


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_lr_has_the_scale_of_the_recipe_and_rows_are_drawn_evenly(
    built: tuple[Storage, BuildResult], scale: int
) -> None:
    storage, made = built
    by_kind = {ref.kind: PoolInfo(ref.digest, ref.count, ref.side) for ref, _ in made.pools}
    degrader = degraders.build(RedegnetConfig(), scale, Pools(**by_kind))
    drawn = [degrader.draw(stream("d", number), (9 * scale, 7 * scale)) for number in range(600)]
    counts = np.bincount([program.ops[0].index for program in drawn])  # type: ignore[union-attr]
    assert len(counts) == 9
    assert counts.min() > 35
    noises = [op.sigma for program in drawn for op in program.ops if isinstance(op, GaussianNoise)]
    assert len(noises) / 600 == pytest.approx(0.4, abs=0.07)
    assert max(noises) <= 25.5
    assets, hr = assets_of(storage, made), photograph(1, 9 * scale, 7 * scale)
    for program in drawn[:4]:
        assert apply(program, hr, assets).shape == (9, 7, 3)
    assert "learned degradation #" in drawn[0].words({by_kind["codes"].digest: 9})[0]
    with pytest.raises(UserError, match="no fitted SynNet"):
        degraders.build(RedegnetConfig(), scale, Pools())


def test_a_fit_killed_after_a_check_goes_on_to_the_same_bytes(
    built: tuple[Storage, BuildResult],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage, made = built
    check = Learner._check

    def dying(*arguments: Any) -> None:
        check(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "_check", dying)
        with pytest.raises(KeyboardInterrupt):
            make_stages(recipe_of(folder), tmp_path)
    unit = layout.unit_folder("fit_redegnet", made.sealed["redegnet"].manifest.unit)
    assert (tmp_path / unit / "grid-000000004.png").exists()
    assert not (tmp_path / unit / "result.json").exists()
    steps: list[int] = []
    step = Fit.step

    def noting(self: Fit) -> Any:
        steps.append(self.samples)
        return step(self)

    monkeypatch.setattr(Fit, "step", noting)
    again = make_stages(recipe_of(folder), tmp_path)
    assert steps == [4, 6]  # not from the beginning
    assert (
        again.sealed["redegnet"] == made.sealed["redegnet"]
        or again.sealed["redegnet"].manifest == made.sealed["redegnet"].manifest
    )
    written = ["state.safetensors", "checkpoint.safetensors", "networks.safetensors"]
    for name in (*written, "codes.npy", "curves.npy", "grid-000000004.png", "grid-000000008.png"):
        assert (tmp_path / unit / name).read_bytes() == storage.read(f"{unit}/{name}"), name


def test_a_failed_fit_is_sealed_and_not_drawn_from(folder: Path, tmp_path: Path) -> None:
    counting = Counting()
    with pytest.raises(UserError, match="failed its gates") as caught:
        make_stages(recipe_of(folder, **FAILING), tmp_path, watcher=counting)
    assert "where the HQ as it is comes to" in caught.value.got
    assert "raise redegnet.samples" in caught.value.todo
    assert "synthesize" not in counting.computed
    made = make_stages(
        recipe_of(folder, degrader={"accept_failed": True}, **FAILING), tmp_path, watcher=counting
    )
    assert counting.computed["fit_redegnet"] == 0  # the fit was sealed, with its verdict
    assert made.sealed["redegnet"].manifest.verdict.reasons[0] == RedegnetReason.RECONSTRUCTS_BADLY
    made = make_stages(recipe_of(folder), tmp_path, watcher=counting)
    assert counting.computed["fit_redegnet"] == 0  # other gates judge the same fit


def test_fine_tuning_on_the_pairs_of_one_image(
    built: tuple[Storage, BuildResult], folder: Path, tmp_path: Path
) -> None:
    """`use: specific` with `from_checkpoint`: other pairs, the networks of the general fit, no gate
    on alikeness."""
    storage, made = built
    write_pairs(tmp_path, 1)
    shutil.copytree(folder / "clean", tmp_path / "clean")
    unit = layout.unit_folder("fit_redegnet", made.sealed["redegnet"].manifest.unit)
    gates = {"max_error_ratio": 99}
    start: dict[str, Any] = {
        "from_checkpoint": storage.path(f"{unit}/networks.safetensors"),
        "samples": 2,
        "use": "specific",
        "gates": gates,
    }
    tuned = make_stages(recipe_of(tmp_path, **start), tmp_path / "w")
    assert tuned.sealed["redegnet"].manifest.count == 3
    assert tuned.sealed["redegnet"].manifest.verdict.accepted
    alone = make_stages(recipe_of(tmp_path, **(start | {"from_checkpoint": None})), tmp_path / "w")
    assert alone.sealed["redegnet"].manifest.digest != tuned.sealed["redegnet"].manifest.digest
    with pytest.raises(UserError, match="failed its gates"):
        make_stages(recipe_of(tmp_path, **(start | {"use": "general"})), tmp_path / "w")
    places = identity_of(tuned).recipe["redegnet"]
    assert "from_checkpoint" not in places  # a place, not a content
    with pytest.raises(UserError, match="cannot start from this file"):
        make_stages(
            recipe_of(tmp_path, **(start | {"net": SETTINGS["net"] | {"code": 6}})), tmp_path / "w"
        )
    with pytest.raises(UserError, match="no such weights file"):
        make_stages(
            recipe_of(tmp_path, **(start | {"from_checkpoint": "gone.safetensors"})), tmp_path / "w"
        )


def test_vgg_weights_are_digested_and_make_another_fit(
    built: tuple[Storage, BuildResult], folder: Path, tmp_path: Path
) -> None:
    _, made = built
    path = tmp_path / "vgg19.safetensors"
    path.write_bytes(save_tensors(weights()))
    recipe = recipe_of(folder, vgg_weights=str(path), samples=2)
    images, hr = made.images.manifest, made.hr.manifest
    shutil.copytree(folder / "workspace/stages/clean_up", tmp_path / "w/stages/clean_up")

    def fitted() -> Sealed[RedegnetManifest]:
        run = runner(tmp_path / "w")
        return Making(recipe=recipe, images=images, cut=hr, base="/", run=run).of(REDEGNET)

    first = fitted()
    assert first.manifest.vgg is not None
    path.write_bytes(save_tensors(weights(2)))
    second = fitted()
    assert second.manifest.vgg != first.manifest.vgg
    assert second.manifest.unit != first.manifest.unit
    path.write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"no VGG-19 weights"):
        fitted()


def test_broken_files_are_rejected_and_sizes_must_agree(folder: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path)
    (tmp_path / "lq/1.png").write_bytes(b"not a picture")
    run, recipe = runner(tmp_path / "w"), recipe_of(tmp_path)
    pairs = recipe.images.pairs
    assert pairs is not None

    def ingested() -> PairSet:
        files = ingest_pairs.find(patterns_of(pairs), "/")
        return run(ingest_pairs.STAGE, files, IngestConfig()).manifest

    found = ingested()
    assert [pair.name for pair in sorted(found.pairs, key=lambda pair: pair.name)] == ["0", "2"]
    assert [(Path(image.url).name, image.reason) for image in found.rejected] == [
        ("1.png", "not-an-image")
    ]
    assert list(found.pairs) == sorted(found.pairs, key=lambda pair: pair.lq.pixel_sha256)
    save(photograph(1, 70, 67), tmp_path / "lq/2.png")
    with pytest.raises(UserError, match="differ in size") as caught:
        check_sizes(ingested().pairs)
    assert "2: 67 x 70 and 67 x 73" in caught.value.got
    for name in ("0", "2"):
        (tmp_path / f"hq/{name}.png").write_bytes(b"")
    with pytest.raises(UserError, match="no pair is usable"):
        ingest_pairs.some(ingested(), "images.pairs")


def test_a_recipe_without_pairs_says_so() -> None:
    with pytest.raises(UserError) as caught:
        parse_recipe("name: a\nimages: {clean: [x]}\ndegraders: [{kind: redegnet}]", "a.yaml")
    assert "images.pairs" in caught.value.text()


def test_a_checkpoint_that_changed_is_noticed(
    built: tuple[Storage, BuildResult], folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "workspace", tmp_path / "w")
    _, made = built
    unit = layout.unit_folder("fit_redegnet", made.sealed["redegnet"].manifest.unit)
    (tmp_path / "w" / unit / "checkpoint.safetensors").write_bytes(b"damaged")
    shutil.rmtree(tmp_path / "w/stages/pool_redegnet")
    with pytest.raises(IntegrityError, match="checkpoint has changed"):
        make_stages(recipe_of(folder), tmp_path / "w")
    again = make_stages(recipe_of(folder), tmp_path / "w")
    assert again.sealed["redegnet"].manifest == made.sealed["redegnet"].manifest

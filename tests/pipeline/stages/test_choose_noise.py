"""Which way of noise a group of photographs gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairmill.pipeline import degraders
from pairmill.pipeline.assets import read_pool, write_pool
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.images.decode import ingest_file
from pairmill.pipeline.images.find import FoundFile
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.pools.noise_choice import _config
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener
from pairmill.pipeline.stages import choose_noise
from pairmill.pipeline.stages.choose_noise import CLEARLY, Inputs, choice
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.hr import HrTile
from pairmill.schemas.image import ImageRecord, IngestConfig, Role
from pairmill.schemas.noise_choice import ChoiceConfig
from pairmill.schemas.noise_levels import RawNoise
from pairmill.schemas.realism import RealismConfig, RealismResult
from pairmill.schemas.recipe import Recipe
from tests.support.make import photograph, save
from tests.support.pools import pools

RAW = RawNoise(shot=0.4, read=2.0, red_gain=2, blue_gain=1.75, tone=True, spread=0.05)
SIDE = 128


def told(auc: float) -> RealismResult:
    return RealismResult(auc=auc, interval=(auc - 0.1, min(1.0, auc + 0.1)))


@pytest.mark.parametrize(
    ("by_level", "raw", "way", "said"),
    [
        (0.87, 0.74, "raw", "noise on the sensor is nearer"),
        (0.67, 0.65, "by_level", "both ways of noise are as near"),
        (0.38, 0.76, "by_level", "noise by level is nearer"),
    ],
)
def test_the_nearer_is_taken_and_patches_where_they_are_alike(
    by_level: float, raw: float, way: str, said: str
) -> None:
    assert CLEARLY == 0.03
    found = choice(told(by_level), told(raw))
    assert found.way == way
    assert f"AUC {by_level:.2f} by level, {raw:.2f} on the sensor" in found.why
    assert said in found.why
    assert found.raw is not None
    assert found.raw.interval == (raw - 0.1, raw + 0.1)


def test_too_few_photographs_get_patches() -> None:
    nothing = RealismResult(problem="needs 4 images that give a patch on either side")
    found = choice(told(0.9), nothing)
    assert (found.way, found.raw) == ("by_level", None)
    assert "needs 4 images" in found.why


def record_of(path: Path) -> ImageRecord:
    found = FoundFile(url=str(path), bytes=path.stat().st_size, modified="")
    record = ingest_file(found, Role.REAL, IngestConfig())
    assert isinstance(record, ImageRecord)
    return record


def refs(known: Pools, workspace: Path) -> dict[PoolRef, str]:
    """The pools as a version names them, written."""
    found = {}
    for kind in ("kernels", "noise", "noise_levels"):
        info, name = known[kind], f"pools/{kind}"
        write_pool(Storage(str(workspace)), name, kind, pools()[1].pools[info.digest], {})
        ref = PoolRef(kind=kind, digest=info.digest, count=info.count, side=info.side, raw=info.raw)
        found[ref] = name
    return found


def test_groups_get_the_noise_that_they_have(tmp_path: Path) -> None:
    """Photographs of two cameras, each made as one of the ways makes LR."""
    known, assets = pools()
    known = Pools(known, noise_levels=replace(known["noise_levels"], raw=(RAW, RAW)))
    groups = []
    for way in choose_noise.WAYS:
        degrader = degraders.build(RealSrConfig(noise=way), 2, known)
        records = []
        for seed in range(6):
            scene = photograph(seed, 406, 394, noise=0)
            program = degrader.draw(stream("camera", way, seed), scene.shape[:2])
            lr = apply(program, scene, assets)
            records.append(record_of(save(lr, tmp_path / f"{way}/{seed}.png")))
        groups.append(tuple(records))
    clean = [
        record_of(save(photograph(seed, 261, 263, noise=0), tmp_path / f"clean/{seed}.png"))
        for seed in range(20, 28)
    ]
    tiles = [
        HrTile(image=one, hr_key="0" * 64, cleaned=False, left=left, top=top)
        for one in clean
        for left in (0, SIDE)
        for top in (0, SIDE)
    ]
    workspace = tmp_path / "w"
    written = refs(known, workspace)
    config = ChoiceConfig(
        scale=2,
        side=SIDE,
        pools=tuple(written),
        realism=RealismConfig(network=False, patches=200),
        seed=1,
    )
    inputs = Inputs(groups, tuple(tiles), tuple(written.values()))
    sealed = run_stage(
        choose_noise.STAGE,
        inputs,
        config,
        Profile(str(workspace)),
        SerialExecutor(),
        ProgressListener(),
    )
    assert [group.way for group in sealed.manifest.groups] == ["by_level", "raw"]
    group = layout.pool_group("choose_noise", sealed.key)
    items = read_pool(Storage(str(workspace)), group, "noise_choice")
    np.testing.assert_array_equal(items, np.array([[0], [1]], np.uint8))


@pytest.mark.parametrize(("size", "scale", "side", "patch"), [(256, 2, 128, 32), (16, 4, 32, 16)])
def test_lr_of_trials_is_as_large_as_tiles_allow(
    size: int, scale: int, side: int, patch: int
) -> None:
    """64 pixels at most; of tiles of 4 LR pixels none is cut, and nothing can be compared."""
    recipe = Recipe.model_validate(
        {"name": "a", "images": {"real": "x"}, "scale": scale, "tiles": {"size": size}}
    )
    config = _config(recipe, ())
    assert (config.side, config.realism.patch) == (side, patch)

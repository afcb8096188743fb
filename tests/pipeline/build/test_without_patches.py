"""Photographs of which no patch is flat: what a build does then, and what may stop it comes
first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline import degraders
from pairmill.pipeline.build.build import make
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.degraders.base import PoolInfo
from pairmill.pipeline.pools.make_pools import must_be_there
from pairmill.pipeline.pools.noise import NOISE
from pairmill.pipeline.preview.preview import Request, preview
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed, Stage
from pairmill.pipeline.stages import choose_noise
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.noise_levels import NoiseWay, RawNoise
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe
from tests.support.make import build, photograph, save, tiny_recipe
from tests.support.pools import pools

SENSOR = RawNoise(shot=0.3, read=1.5, red_gain=2, blue_gain=1.75, tone=True, spread=0.2)
STRICT = {"patch": 64}
"""Every patch of this size has an edge in it."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("busy")
    for seed in range(3):
        save(photograph(seed, 97, 131), folder / f"real/{seed}.png")
    save(photograph(9, 97, 131, noise=0), folder / "clean/9.png")
    return folder


def recipe_of(photos: Path, **degrader: Any) -> Recipe:
    degraders = [{"kind": "realsr", **degrader}]
    return tiny_recipe(photos, noise=STRICT, degraders=degraders, realism={"enabled": False})


def test_the_build_goes_on_with_noise_on_the_sensor(photos: Path, tmp_path: Path) -> None:
    """Blocks of 16 x 16 pixels show noise, patches of 64 do not."""
    manifest = build(recipe_of(photos), tmp_path / "w")
    kinds = {ref.kind for ref in manifest.identity.pools}
    assert "noise" not in kinds
    assert {"kernels", "noise_levels"} <= kinds
    assert manifest.counts["noise_patches"] == 0
    storage = Storage(str(tmp_path / "w"))
    rows = list(read_table(storage, manifest))
    used = {op.op for row in rows for op in Program.model_validate_json(row.program).ops}
    assert used >= {"shot_read_noise", "mosaic"}
    assert not used & {"inject", "inject_by_level"}
    wanted = find_samples(storage, manifest, [row.key for row in rows[:3]])
    assert [one.identical for one in replay(storage, manifest, wanted)] == [True] * 3


@pytest.mark.parametrize(("raw", "way"), [((SENSOR,), "raw"), (None, "none")])
def test_lr_gets_the_noise_that_is_known(raw: tuple[RawNoise, ...] | None, way: NoiseWay) -> None:
    known = {name: info for name, info in pools()[0].items() if name != "noise"}
    levels = replace(known["noise_levels"], raw=raw)
    found = choose_noise.without_patches(levels)
    assert found.way == way
    assert "no patch of any photograph is flat enough" in found.why
    choice = PoolInfo("0" * 64, 1, 1, ways=(found.way,))
    known |= {"noise_levels": levels, "noise_choice": choice}
    program = degraders.build(RealSrConfig(), 2, known).draw(stream("none", 1), (74, 62))
    names = {"raw": ["unprocess", "shot_read_noise", "mosaic", "process"], "none": []}[way]
    assert [op.op for op in program.ops] == ["pooled_blur", "subsample", *names, "quantise"]
    for noise in ("by_level", "as_mined"):
        with pytest.raises(UserError, match="no noise pool to draw from"):
            degraders.build(RealSrConfig(noise=noise), 2, known)


class Stopping:
    """Carries stages, and remembers which it was asked for."""

    def __init__(self, workspace: Path) -> None:
        self.profile = Profile(str(workspace))
        self.names: list[str] = []

    def __call__(self, stage: Stage[Any, Any, Any, Any, Any], i: Any, c: Any, /) -> Sealed[Any]:
        self.names.append(stage.name)
        return run_stage(stage, i, c, self.profile, SerialExecutor(), ProgressListener())


@pytest.mark.parametrize(
    ("degrader", "said"),
    [
        ({"noise": "by_level"}, "too few patches"),
        ({"noise": "as_mined"}, "too few patches"),
        ({"compression": "always"}, "no compression pool to draw from"),
    ],
)
def test_what_can_stop_a_build_cheaply_comes_before_kernels(
    photos: Path, tmp_path: Path, degrader: dict[str, Any], said: str
) -> None:
    run = Stopping(tmp_path)
    with pytest.raises(UserError, match=said):
        make(recipe_of(photos, **degrader), "/", run)
    assert "mine_compression" in run.names
    assert not {"estimate_kernels", "estimate_cameras", "pool_kernels"} & set(run.names)


def test_a_number_of_patches_that_was_asked_for_is_not_forgotten(
    photos: Path, tmp_path: Path
) -> None:
    recipe = recipe_of(photos).with_(noise={**STRICT, "min_patches": 2})
    with pytest.raises(UserError, match="too few patches"):
        make(recipe, "/", Stopping(tmp_path))


def test_a_preview_says_so(photos: Path, tmp_path: Path) -> None:
    for noise, said in (("auto", "noise is made on the sensor"), ("as_mined", "the build stops")):
        recipe = recipe_of(photos, noise=noise)
        storage = Storage(str(tmp_path))
        data = preview(Request(recipe, "/", "tiny.yaml", draws=1), storage, storage, "page")
        [warning] = [text for text in data.warnings if "64 x 64" in text]
        assert said in warning
        assert "set noise.patch to 32" in warning


def test_only_patches_can_be_done_without(photos: Path) -> None:
    assert not must_be_there(NOISE, recipe_of(photos))
    assert must_be_there(NOISE, recipe_of(photos, noise="by_level"))
    mixed = recipe_of(photos).with_(degraders=[{"kind": "realsr"}, {"kind": "kmsr", "noise": True}])
    assert must_be_there(NOISE, mixed)

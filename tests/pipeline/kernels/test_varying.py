"""Kernels over the field: rows of the pool, where their blur varies, and where it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from PIL import Image

from pairmill.models.camera.forms import CENTRE, P
from pairmill.models.functional.blur import on_grid
from pairmill.pipeline.assets import Assets, read_pool
from pairmill.pipeline.kernels.camera import judge_spectral
from pairmill.pipeline.kernels.varying import ONE_CHANNEL, ONE_FIELD, PLACES, varying
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.stages import pool_kernels
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.kernel import CameraKernelsConfig, KernelQualityConfig
from pairmill.schemas.ops.pooled import PooledBlur
from pairmill.schemas.ops.resize import Quantise, Subsample
from pairmill.schemas.pool import JudgedSpectral, PhotographEstimate, PoolKernelsConfig
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe
from tests.support.cameras import kernel_of, photograph_by, soft_corners
from tests.support.make import making_of, save

QUALITY = KernelQualityConfig()
CORNERS = (0.4, 0, 0.4, 0, -0.1, 0, 0.4, 0, 0.4)


def config(*, field: bool = False, channels: bool = False) -> PoolKernelsConfig:
    return PoolKernelsConfig(
        scale=2, method="camera", quality=QUALITY, field=field, channels=channels
    )


FIELD = config(field=True)


def judged(
    sigma: float, field: tuple[float, ...], channels: tuple[float, ...] = ()
) -> JudgedSpectral:
    values = CENTRE.copy()
    values[P.SIZE] = 2 * np.log(sigma)
    own = PhotographEstimate(
        image="0" * 64, values=tuple(values), noise=4, error=0.1, width_error=0.1, misfit=1
    )
    return JudgedSpectral(
        refused=None,
        photographs=6,
        form=("gaussian",),
        estimate=own,
        field=field,
        channels=channels,
    )


def test_nine_kernels_of_one_photograph() -> None:
    one = judged(1.5, CORNERS)
    whole, _ = judge_spectral(one, QUALITY, 2)
    found = varying(one, FIELD)
    assert [cell.cell for cell in found.cells] == list(range(9))
    assert found.kernels.shape == (9, 17, 17)
    assert all(on_grid(kernel) for kernel in found.kernels)
    np.testing.assert_array_equal(found.kernels[1], whole)
    widths = [cell.width for cell in found.cells]
    np.testing.assert_allclose(widths, 1.5 * np.exp(CORNERS), rtol=0.02)
    assert found.words == "1.36 to 2.24 px over 9 cells of the field"


def test_cells_that_break_a_rule_are_left_out_and_named() -> None:
    one = judged(1.5, (1.2, *CORNERS[1:]))
    found = varying(one, FIELD)
    assert [cell.cell for cell in found.cells] == list(range(1, 9))
    said, _, why = found.words.partition(", without ")
    assert said.endswith("over 8 cells of the field")
    assert why.startswith(f"{PLACES[0]} (it is wider")


def test_without_a_field_there_is_one_kernel_and_it_is_said() -> None:
    one = judged(1.5, ())
    whole, _ = judge_spectral(one, QUALITY, 2)
    assert whole is not None
    found = varying(one, FIELD)
    assert found.cells == ()
    np.testing.assert_array_equal(found.kernels, whole[None])
    assert found.words == ONE_FIELD


def test_a_plane_for_each_channel() -> None:
    one = judged(1.5, (), channels=(0, 0, 0.25))
    whole, _ = judge_spectral(one, QUALITY, 2)
    assert whole is not None
    found = varying(one, config(channels=True))
    assert found.kernels.shape == (1, 3, 17, 17)
    assert all(on_grid(plane) for plane in found.kernels[0])
    np.testing.assert_array_equal(found.kernels[0, 0], whole)
    assert found.kernels[0, 2].max() < found.kernels[0, 1].max()
    assert found.words == "red 1.00, green 1.00, blue 1.28 times as wide as luma"
    both = varying(judged(1.5, CORNERS, (0, 0, 0.25)), config(field=True, channels=True))
    assert both.kernels.shape == (9, 3, 17, 17)
    # Nothing is known of channels: a pool's rows are alike, and it is said.
    alike = varying(judged(1.5, ()), config(channels=True))
    np.testing.assert_array_equal(alike.kernels, np.stack([whole] * 3)[None])
    assert alike.words == ONE_CHANNEL


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photographs with soft corners, the last one turned, and one too small for cells."""
    folder = tmp_path_factory.mktemp("real")
    made = [soft_corners(kernel_of(1.4), kernel_of(2.1), seed) for seed in range(4)]
    for number, image in enumerate([*made[:3], np.rot90(made[3]), made[0][:100, :120]]):
        Image.fromarray(np.ascontiguousarray(image)).save(folder / f"{number}.png")
    return folder


def recipe_of(photographs: Path, **kernels: object) -> Recipe:
    value = {"name": "tiny", "images": {"real": [str(photographs)]}, "kernels": kernels}
    return Recipe.model_validate({**value, "degraders": [{"kind": "realsr"}]})


def test_a_pool_with_soft_corners(photographs: Path, tmp_path: Path) -> None:
    making = making_of(recipe_of(photographs, field=True), tmp_path)
    sealed = KERNELS.make(making)
    manifest = sealed.manifest
    assert manifest.count == 9 * 5 == len(manifest.kernels) == len(manifest.cells)
    assert manifest.cells[:9] == tuple(range(9))
    assert len(set(manifest.kernels)) == 5
    name = layout.pool_group(pool_kernels.STAGE.name, sealed.key)
    group = zarr.open_group(Storage(str(tmp_path)).zarr_store(name), mode="r")
    widths = np.asarray(group["width"]).reshape(5, 9)
    corners, centre = widths[:, [2, 6, 8]].mean(), widths[:, 4].mean()
    assert corners / centre == pytest.approx(1.5, abs=0.15)
    np.testing.assert_array_equal(np.asarray(group["cell"]), np.tile(np.arange(9), 5))
    facts = dict(KERNELS.facts({key: group[key][8] for key in ("cell", "width", "support")}))
    assert facts["cell of the field"] == "bottom right"
    assert manifest.judged[0].verdict.detail.endswith("over 9 cells of the field")


def test_a_pool_of_three_planes_blurs_each_channel_with_its_own(tmp_path: Path) -> None:
    soft_blue = [photograph_by(kernel_of(1.3), seed) for seed in range(4)]
    for seed, image in enumerate(soft_blue):
        image[..., 2] = photograph_by(kernel_of(1.7), seed)[..., 2]
        save(image, tmp_path / f"real/{seed}.png")
    making = making_of(recipe_of(tmp_path / "real", channels=True), tmp_path / "w")
    sealed = KERNELS.make(making)
    name = layout.pool_group(pool_kernels.STAGE.name, sealed.key)
    pool = read_pool(Storage(str(tmp_path / "w")), name, "kernels")
    assert pool.shape == (4, 3, 17, 17)
    assert sealed.manifest.side == 17
    wide = [np.sqrt(1 / (4 * np.pi * np.square(pool[0, c]).sum())) for c in range(3)]
    assert wide[2] / wide[1] == pytest.approx(1.7 / 1.3, abs=0.12)
    assert wide[0] / wide[1] == pytest.approx(1, abs=0.05)
    image = np.zeros((34, 34, 3), np.uint8)
    image[16, 16] = 255
    digest = sealed.manifest.digest
    program = Program(
        scale=2, ops=(PooledBlur(pool=digest, index=0), Subsample(scale=2), Quantise())
    )
    assets = Assets({digest: pool})
    seen = apply(program, image, assets)
    one_by_one = [
        apply(program, image[..., [c] * 3], Assets({digest: pool[:, c]}))[..., c] for c in range(3)
    ]
    np.testing.assert_array_equal(seen, np.stack(one_by_one, 2))
    assert seen[..., 2].max() < seen[..., 1].max()
    assert KERNELS.picture(pool[0]).shape[:2] == (17, 17)


def test_generated_kernels_have_no_channels(photographs: Path) -> None:
    value = recipe_of(photographs, channels=True).model_dump()
    with pytest.raises(ValueError, match="channels are not for degrader kmsr"):
        Recipe.model_validate(value | {"degraders": [{"kind": "kmsr"}]})


def test_without_the_setting_nothing_changes(photographs: Path, tmp_path: Path) -> None:
    """One kernel a photograph; records and settings say nothing of cells."""
    making = making_of(recipe_of(photographs), tmp_path)
    manifest = KERNELS.make(making).manifest
    assert manifest.count == 5
    assert "cell" not in manifest.canonical_json()
    assert CameraKernelsConfig().model_dump() == {
        "method": "camera",
        "min_side": 64,
        "min_contrast": 2.0,
    }
    assert CameraKernelsConfig(field=True).model_dump()["field"] is True

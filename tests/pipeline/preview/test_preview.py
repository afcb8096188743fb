"""Previews: images are what `apply` gives, sealed pools are found, placeholders are called so, and
the estimate adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.preview.draws import Drawn, draw_all, fewer, share
from pairmill.pipeline.preview.page import about, between
from pairmill.pipeline.preview.preview import Request, preview
from pairmill.pipeline.preview.sample_images import scene_of
from pairmill.pipeline.preview.strips import Window, window
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.stages.clean_up import clean
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import Role
from pairmill.schemas.preview import PreviewData
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe
from tests.support.make import Tiny, photograph, save, tiny_recipe, tree

NO_POOLS = Assets()
BICUBIC = {"degraders": [{"kind": "bicubic"}]}


def run(recipe: Recipe, folder: Path, workspace: Path | None = None, **options: Any) -> PreviewData:
    one_thread()
    request = Request(recipe, "/", "tiny.yaml", **options)
    return preview(
        request, Storage(str(workspace or folder / "nothing")), Storage(str(folder)), "page"
    )


def read(folder: Path, name: str) -> np.ndarray:
    return decode_png((folder / "page" / name).read_bytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("preview")


@pytest.fixture(scope="module")
def sealed(tiny: Tiny, folder: Path) -> PreviewData:
    """A preview of the tiny recipe next to its finished build."""
    return run(tiny.recipe, folder, tiny.workspace, draws=2)


def test_pictures_are_what_apply_gives(tiny: Tiny, sealed: PreviewData, folder: Path) -> None:
    """HR, and the LR of the bicubic control, made here from the source file without any code of the
    preview."""
    strips = next(one.strips for one in sealed.degraders if one.kind == "bicubic")
    assert len(strips) == 2
    for strip in strips:
        source = next(
            path
            for role in ("real", "clean")
            for path in (tiny.photographs / role).glob(strip.source)
        )
        image = np.asarray(Image.open(source))
        hr = clean(image, 2) if source.parent.name == "real" else image
        tile = hr[strip.top : strip.top + 32, strip.left : strip.left + 32]
        lr = apply(Program.model_validate_json(strip.program), tile, NO_POOLS)
        part, side = window(tile, 2)
        assert side == strip.side == 32
        np.testing.assert_array_equal(read(folder, strip.hr), tile)
        np.testing.assert_array_equal(read(folder, strip.steps[-1].picture), part.cut(lr))
        assert [step.words for step in strip.steps] == list(
            Program.model_validate_json(strip.program).words({})
        )


def test_sealed_pools_are_drawn_from_and_nothing_is_computed(
    tiny: Tiny, sealed: PreviewData, tmp_path: Path
) -> None:
    known = {ref.kind: ref.digest for ref in tiny.manifest.identity.pools}
    assert {supply.kind for supply in sealed.supplies} == set(known)
    assert all(supply.sealed for supply in sealed.supplies)
    for strip in next(one.strips for one in sealed.degraders if one.kind == "realsr"):
        drawn = set(Program.model_validate_json(strip.program).pools())
        assert {known["kernels"], known["noise"]} <= drawn <= set(known.values())
        assert not any(step.stand_in for step in strip.steps)
    assert sealed.warnings == ()
    before = {path: path.stat().st_mtime_ns for path in tiny.workspace.rglob("*")}
    run(tiny.recipe, tmp_path, tiny.workspace, draws=1)
    assert {path: path.stat().st_mtime_ns for path in tiny.workspace.rglob("*")} == before


def test_estimate_counts_what_the_build_made(tiny: Tiny, sealed: PreviewData) -> None:
    """All four images are looked at, so that tiles and pairs are exact; bytes come near the real
    shards."""
    assert sealed.cost.tiles == tiny.sealed["clean_up"].manifest.tiles
    assert sealed.cost.pairs == sum(tiny.manifest.identity.samples.values())
    done = {row.stage for row in sealed.cost.rows if row.found}
    assert {"ingest", "clean up", "synthesize", "estimate kernels"} <= done
    assert sum(row.seconds for row in sealed.cost.rows) == pytest.approx(sealed.cost.seconds[1])
    assert sealed.cost.seconds[0] < sealed.cost.seconds[1] < sealed.cost.seconds[2]


def test_estimate_of_an_unbuilt_recipe(tiny: Tiny, tmp_path: Path) -> None:
    data = run(tiny.recipe, tmp_path, draws=3)
    rows = {row.stage: row for row in data.cost.rows}
    shards = sum(shard.bytes for shard in tiny.manifest.identity.shards)
    assert rows["synthesize"].bytes == pytest.approx(shards, rel=0.35)
    hr = sum(
        path.stat().st_size for path in tiny.workspace.glob("stages/clean_up/units/*/*/hr.npy")
    )
    assert rows["clean up"].bytes == pytest.approx(hr, rel=0.01)
    assert not any(row.found for row in data.cost.rows)
    assert all(row.seconds > 0 for row in data.cost.rows)


def test_pools_of_another_version_are_drawn_from_and_cost_nothing(
    tiny: Tiny, tmp_path: Path
) -> None:
    other = tiny.recipe.with_(
        name="other", seed=9, noise={"patch": 16, "max_per_image": 5}, pools_from="tiny"
    )
    data = run(other, tmp_path, tiny.workspace, draws=1)
    pools = {ref.kind: ref.count for ref in tiny.manifest.identity.pools}
    assert {supply.kind: supply.count for supply in data.supplies} == pools
    assert all(supply.sealed and "tiny" in supply.note for supply in data.supplies)
    assert not {"estimate kernels", "pool kernels", "mine noise", "generate kernels"} & {
        row.stage for row in data.cost.rows
    }
    assert not any("Fitting" in note for note in data.cost.notes)
    with pytest.raises(UserError, match="nowhere"):
        run(other.with_(pools_from="nowhere"), tmp_path, tiny.workspace, draws=1)


def test_placeholders_are_called_so(tiny: Tiny, tmp_path: Path) -> None:
    data = run(tiny.recipe, tmp_path, draws=1)
    assert all(
        not supply.sealed and supply.note.startswith("Placeholder") for supply in data.supplies
    )
    steps = [step for one in data.degraders for strip in one.strips for step in strip.steps]
    pooled = {"pooled_blur", "inject", "pooled_jpeg"}
    assert all(step.stand_in == (step.op in pooled) for step in steps)
    assert {"pooled_blur", "inject"} <= {step.op for step in steps if step.stand_in}
    page = (tmp_path / "page/index.html").read_text()
    assert page.count(">placeholder</span>") == len(data.supplies) + sum(
        step.stand_in for step in steps
    )
    assert "Not there yet" in page
    assert (tmp_path / "page/preview.png").stat().st_size > 1000


def test_images_without_a_flat_area_get_white_noise_and_a_word(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    save(rng.integers(0, 256, (97, 121, 3), np.uint8), tmp_path / "real/a.png")
    data = run(tiny_recipe(tmp_path, images={"real": [f"{tmp_path}/real"]}), tmp_path, draws=1)
    note = next(supply.note for supply in data.supplies if supply.kind == "noise")
    assert "white noise" in note
    assert "no area of 16 x 16 pixels flat enough" in note


def test_broken_images_are_left_out_with_a_word(tmp_path: Path) -> None:
    save(photograph(1, 97, 121), tmp_path / "real/good.png")
    (tmp_path / "real/<b>.png").write_bytes(b"")
    (tmp_path / "real/text.jpg").write_text("hello")
    recipe = tiny_recipe(tmp_path, images={"real": [f"{tmp_path}/real"]}, **BICUBIC)
    data = run(recipe, tmp_path, draws=1)
    assert {name for name, _ in data.left_out} == {"<b>.png", "text.jpg"}
    assert any("0 bytes" in why for _, why in data.left_out)
    assert "&lt;b&gt;.png" in (tmp_path / "page/index.html").read_text()
    (tmp_path / "real/good.png").unlink()
    with pytest.raises(UserError, match="none of the images tried is usable"):
        run(recipe, tmp_path)


def test_other_images_take_the_place_of_the_recipes(tmp_path: Path) -> None:
    """The recipe's own folder need not be there; relative names start at the caller's folder."""
    save(photograph(2, 97, 121), tmp_path / "elsewhere/mine.png")
    recipe = tiny_recipe(tmp_path / "gone")
    data = run(recipe, tmp_path, images=("elsewhere/mine.png",), here=str(tmp_path), draws=1)
    assert [(image.name, image.role) for image in data.images] == [("mine.png", "real")]
    assert data.cost.images == 1


def test_images_smaller_than_a_tile_are_previewed_with_a_warning(tmp_path: Path) -> None:
    save(photograph(2, 97, 121), tmp_path / "real/a.png")
    recipe = tiny_recipe(
        tmp_path, images={"real": [f"{tmp_path}/real"]}, tiles={"size": 256}, **BICUBIC
    )
    data = run(recipe, tmp_path, draws=1)
    assert data.degraders[0].strips[0].hr_height == 48
    assert any("will stop" in text and "tiles.size" in text for text in data.warnings)
    assert data.cost.tiles == 0


def test_draws_depend_on_the_seed_alone(tiny: Tiny, tmp_path: Path, sealed: PreviewData) -> None:
    again = run(tiny.recipe, tmp_path, tiny.workspace, draws=2)
    programs = [[strip.program for strip in one.strips] for one in again.degraders]
    assert programs == [[strip.program for strip in one.strips] for one in sealed.degraders]
    other = run(tiny.recipe.with_(seed=1), tmp_path, draws=2)
    assert other.degraders[0].strips[0].program != programs[0][0]


def test_a_degrader_that_cannot_draw_says_why(tiny: Tiny, tmp_path: Path) -> None:
    scene = scene_of(str(tiny.photographs / "real/0.png"), Role.REAL, tiny.recipe)
    drawn = draw_all(tiny.recipe, [scene], [], 1, PictureFiles(Storage(str(tmp_path)), "page"))
    assert "no kernel pool" in drawn[0].problem
    assert not drawn[0].strips
    assert len(drawn[1].strips) == 1


def test_shares_follow_weights_per_split(tmp_path: Path) -> None:
    """Train has 0.9 of the images: a twice, b once there; val draws from b alone."""
    mixed = [
        {"kind": "bicubic", "name": "a", "weight": {"train": 2}},
        {"kind": "bicubic", "name": "b", "weight": {"train": 1, "val": 5}},
    ]
    recipe = tiny_recipe(tmp_path, degraders=mixed, splits={"train": 0.9, "val": 0.1})
    assert share(recipe, "a") == pytest.approx(0.6)
    assert share(recipe, "b") == pytest.approx(0.4)


def test_nothing_is_written_beside_the_page(tiny: Tiny, tmp_path: Path) -> None:
    run(tiny.recipe, tmp_path, draws=1)
    assert {name.split("/")[0] for name in tree(tmp_path)} == {"page"}
    tops = {name.split("/")[1] for name in tree(tmp_path)}
    assert tops == {"index.html", "preview.png", "preview.json", "img"}


@given(st.integers(1, 8), st.integers(0, 3), st.integers(0, 3))
def test_a_window_names_the_same_part_at_every_size(factor: int, row: int, column: int) -> None:
    """A part of 4 x 4 blocks of 16 x 16: downscaled by any factor, it is the downscaled part."""
    image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    part = Window(row / 4, column / 4, 0.25, 0.25)
    large = image.repeat(factor, axis=0).repeat(factor, axis=1)
    np.testing.assert_array_equal(part.cut(large)[::factor, ::factor], part.cut(image))
    assert part.cut(large).shape == (4 * factor, 4 * factor, 3)


def test_estimates_are_said_roughly() -> None:
    assert about(1234) == "≈ 1,200"
    assert between((133, 294, 651), "time") == "2.2 – 11 min"
    assert between((4000, 5000, 9000), "time") == "67 min – 2.5 h"
    assert between((5.2e6, 9e6, 24.1e6), "bytes") == "5.2 – 24 MB"
    assert between((9e8, 2e9, 3e9), "bytes") == "900 MB – 3 GB"


def test_a_preview_says_why_it_drew_fewer() -> None:
    full, short, broken = (Drawn(RealSrConfig(name=name)) for name in ("full", "short", "broken"))
    full.strips, short.strips = [None, None], [None]  # type: ignore[list-item]
    broken.problem = "no kernel"
    [said] = fewer([full, short, broken], 2)
    assert said.startswith("short drew 1 of 2 programs: a preview stops drawing after 6 s.")
    assert "--draws 1" in said

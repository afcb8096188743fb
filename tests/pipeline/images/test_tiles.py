"""Where tiles lie, and which teach nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from pairmill.pipeline.images.tiles import (
    choose_tiles,
    contrast_and_detail,
    judge_tile,
    positions,
)
from pairmill.pipeline.stages.clean_up import cut
from pairmill.schemas.hr import CutConfig, HrImage, TileReason
from pairmill.schemas.image import ImageRecord, Role
from pairmill.schemas.recipe import CleanUpConfig, TilesConfig
from tests.support.make import photograph


@pytest.mark.parametrize(
    ("length", "size", "step", "expected"),
    [
        (31, 32, 32, []),  # too small
        (32, 32, 32, [0]),
        (47, 32, 32, [0]),  # 15 pixels are left: less than half a step
        (48, 32, 32, [0, 16]),  # half a step is left: one more, at the edge
        (96, 32, 32, [0, 32, 64]),
        (64, 32, 8, [0, 8, 16, 24, 32]),
        (37, 31, 4, [0, 4, 6]),
    ],
)
def test_examples(length: int, size: int, step: int, expected: list[int]) -> None:
    assert positions(length, size, step) == expected


@given(st.integers(1, 500), st.integers(1, 80), st.integers(1, 80))
def test_tiles_lie_inside_and_each_once(length: int, size: int, step: int) -> None:
    starts = positions(length, size, step)
    assert starts == sorted(set(starts))
    assert all(0 <= start <= length - size for start in starts)
    assert bool(starts) == (length >= size)
    if starts:
        assert 2 * (length - size - starts[-1]) < step


def test_flat_and_blurred_tiles_are_skipped() -> None:
    config = TilesConfig()
    ramp = np.repeat(np.linspace(60, 90, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(
        3, axis=2
    )
    assert judge_tile(np.full((64, 64, 3), 90, np.uint8), config) == TileReason.FLAT
    assert judge_tile(ramp, config) == TileReason.BLURRED
    assert judge_tile(photograph(1, 64, 64), config) is None
    assert judge_tile(ramp, TilesConfig(min_detail=0)) is None
    assert judge_tile(photograph(1, 64, 64), TilesConfig(min_contrast=99)) == TileReason.FLAT


def test_an_image_is_cut_by_size_and_stride() -> None:
    record = ImageRecord(
        url="/x",
        role=Role.CLEAN,
        format="PNG",
        width=70,
        height=50,
        bytes=9,
        file_sha256="0" * 64,
        pixel_sha256="1" * 64,
    )
    image = photograph(1, 50, 70)
    image[:, :40] = 90  # flat on the left
    for stride, used in (
        (None, [(32, 0), (32, 18)]),
        (8, [(x, y) for y in (0, 8, 16) for x in (16, 24, 32, 38)]),
    ):
        config = CutConfig(clean_up=CleanUpConfig(), tiles=TilesConfig(size=32, stride=stride))
        hr = cut(record, image, config, cleaned=False)
        assert list(hr.tiles) == used
        lefts, tops = positions(70, 32, stride or 32), positions(50, 32, stride or 32)
        assert len(hr.tiles) + sum(hr.skipped.values()) == len(lefts) * len(tops)
        assert set(hr.skipped) == {TileReason.FLAT}


def test_measures_against_numpy() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (37, 31)).astype(np.uint8)
    contrast, detail = contrast_and_detail(np.repeat(grey[:, :, None], 3, axis=2))
    assert contrast == pytest.approx(grey.std(), abs=0.01)
    padded = np.pad(grey.astype(int), 1, mode="reflect")
    laplacian = (
        padded[:-2, 1:-1]
        + padded[2:, 1:-1]
        + padded[1:-1, :-2]
        + padded[1:-1, 2:]
        - 4 * padded[1:-1, 1:-1]
    )
    assert detail == pytest.approx(laplacian.std(), rel=1e-6)


def hr_image(number: int, complexity: tuple[float, ...] = (), tiles: int = 4) -> HrImage:
    places = tuple((32 * place, 0) for place in range(tiles))
    return HrImage(
        image=f"{number:064x}",
        cleaned=False,
        width=32 * tiles,
        height=32,
        tiles=places,
        skipped={TileReason.FLAT: 1},
        complexity=complexity,
    )


def test_the_most_complex_tiles_of_all_images_are_kept() -> None:
    images = [hr_image(1, (5.0, 1.0, 4.0, 2.0)), hr_image(2, (0.5, 3.0, 0.1, 0.2))]
    half = choose_tiles(images, TilesConfig(keep=0.5))
    assert [image.tiles for image in half] == [((0, 0), (64, 0), (96, 0)), ((32, 0),)]
    assert half[1].skipped == {TileReason.FLAT: 1, TileReason.NOT_CHOSEN: 3}
    assert all(image.complexity == () for image in half)
    assert sum(len(image.tiles) for image in choose_tiles(images, TilesConfig(keep=0.01))) == 1
    assert choose_tiles(images[::-1], TilesConfig(keep=0.5)) == half[::-1]


def test_random_tiles_are_the_same_ones_in_any_company() -> None:
    images = [hr_image(number, tiles=40) for number in range(3)]
    config = TilesConfig(keep=0.5, by="random")
    kept = choose_tiles(images, config)
    assert sum(len(image.tiles) for image in kept) == 60
    assert all(4 < len(image.tiles) < 36 for image in kept)
    assert choose_tiles(images[::-1], config) == kept[::-1]
    quarter = choose_tiles(images, config.with_(keep=0.25))
    for few, more in zip(quarter, kept, strict=True):
        assert set(few.tiles) < set(more.tiles)


def test_nothing_is_chosen_and_said_unless_asked() -> None:
    assert set(TilesConfig().model_dump()) == {"size", "stride", "min_contrast", "min_detail"}
    assert "complexity" not in hr_image(1).model_dump()
    images = [hr_image(1), hr_image(2)]
    assert choose_tiles(images, TilesConfig()) == images
    asked = TilesConfig(keep=0.5, by="random", max_defocus=0.4)
    assert TilesConfig.model_validate(asked.model_dump()) == asked
    assert len({TilesConfig(keep=k).content_digest() for k in (1.0, 0.5, 0.25)}) == 3


def test_tiles_out_of_focus_are_skipped_on_request() -> None:
    blurred = gaussian_filter(photograph(1, 96, 96, noise=0).astype(float), (4, 4, 0))
    tile = np.rint(128 + 3 * (blurred - 128)).clip(0, 255).astype(np.uint8)
    assert judge_tile(tile, TilesConfig(min_detail=0)) is None
    lenient = TilesConfig(min_detail=0, max_defocus=0.5)
    assert judge_tile(tile, lenient) == TileReason.DEFOCUSED
    assert judge_tile(photograph(1, 96, 96), lenient) is None

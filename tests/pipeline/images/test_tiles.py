"""Where tiles lie, and which teach nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairmill.pipeline.images.tiles import contrast_and_detail, judge_tile, positions
from pairmill.pipeline.stages.clean_up import cut
from pairmill.schemas.hr import CutConfig, TileReason
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

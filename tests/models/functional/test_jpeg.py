"""Quantisation tables against T.81 and against what two libraries write."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pairmill.models.functional.jpeg import CHROMA, LUMA, ZIGZAG, nearest_quality, tables_of

FLAT = np.full((16, 16, 3), 90, np.uint8)


def of_pillow(data: bytes) -> list[tuple[int, ...]]:
    with Image.open(io.BytesIO(data)) as image:
        return [tuple(table) for table in image.quantization.values()]  # type: ignore[attr-defined]


def test_quality_50_is_the_standard() -> None:
    assert tables_of(50) == (LUMA, CHROMA)


def test_worked_examples() -> None:
    assert tables_of(75)[0][:8] == (8, 6, 5, 8, 12, 20, 26, 31)  # half the standard, rounded up
    assert tables_of(75)[1][:5] == (9, 9, 12, 24, 50)
    assert tables_of(25)[0][:4] == (32, 22, 20, 32)  # twice the standard
    assert tables_of(100) == ((1,) * 64, (1,) * 64)
    assert set(tables_of(1)[0]) == {255}  # fifty times the standard, cut at 255
    assert tables_of(95)[0][:4] == (2, 1, 1, 2)


@pytest.mark.parametrize("quality", range(1, 101))
def test_libraries_write_the_same_tables(quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray(FLAT).save(file, "JPEG", quality=quality)
    assert of_pillow(file.getvalue()) == list(tables_of(quality))
    by_opencv = cv2.imencode(".jpg", FLAT, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    assert of_pillow(by_opencv) == list(tables_of(quality))


def test_zigzag_is_the_walk_of_t81() -> None:
    assert ZIGZAG[:16] == (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5)
    assert ZIGZAG[-4:] == (47, 55, 62, 63)
    assert sorted(ZIGZAG) == list(range(64))


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_has_bounds(quality: int) -> None:
    with pytest.raises(ValueError, match=r"not in 1\.\.100"):
        tables_of(quality)


def test_nearest_quality_finds_every_quality() -> None:
    for quality in range(1, 101):
        assert tables_of(nearest_quality(tables_of(quality))) == tables_of(quality)
    assert [nearest_quality(tables_of(quality)) for quality in range(3, 101)] == list(range(3, 101))


@given(st.integers(10, 90), st.integers(0, 127))
def test_one_odd_step_moves_the_nearest_quality_little(quality: int, place: int) -> None:
    both = [*tables_of(quality)[0], *tables_of(quality)[1]]
    both[place] = min(255, both[place] + 1)
    assert abs(nearest_quality((both[:64], both[64:])) - quality) <= 1


def test_finer_tables_than_all_are_quality_100() -> None:
    assert nearest_quality(([1] * 64, [1] * 64)) == 100
    assert nearest_quality(([255] * 64, [255] * 64)) == 1

"""Covering an LR tile with noise: exact cover, and moments that seams do not change."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pairmill.pipeline.noise.inject import (
    OVERLAP,
    PHASE,
    Gains,
    by_level,
    cover,
    crop_weights,
    draw_crops,
    noise_field,
    with_others,
)
from pairmill.pipeline.rng import stream
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, Placement
from tests.support.pools import level_gains


def inject(
    shape: tuple[int, int], patch: int, count: int, key: Any = 0, strength: float = 1.0
) -> Inject:
    placements = draw_crops(stream(3, "inject", key), shape, patch, count)
    return Inject.model_validate({"pool": "0" * 64, "strength": strength, "placements": placements})


def white(patch: int, count: int, seed: int = 1) -> NDArray[np.float32]:
    return (
        np.random.default_rng(seed).standard_normal((count, patch, patch, 3)) * (3, 5, 7)
    ).astype(np.float32)


def field(
    op: Inject, shape: tuple[int, int], patch: Callable[[int], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The noise alone, (rows, columns, 3)."""
    return noise_field(shape, op, patch)


@given(st.integers(1, 300), st.sampled_from([16, 24, 32, 64, 256]))
def test_cover_is_whole_and_overlaps_by_eight(length: int, patch: int) -> None:
    intervals = cover(length, patch)
    times = np.zeros(length, int)
    for start, size in intervals:
        assert 1 <= size <= patch
        assert start % PHASE == 0
        times[start : start + size] += 1
    assert intervals[-1][0] + intervals[-1][1] == length
    assert set(times) <= {1, 2}
    for (start, size), (following, _) in pairwise(intervals):
        assert start + size - following == OVERLAP


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([16, 32, 64]), st.integers(0, 50))
def test_crops_lie_inside_their_patch(height: int, width: int, patch: int, key: int) -> None:
    for place in inject((height, width), patch, 5, key).placements:
        assert place.patch_top + place.height <= patch
        assert place.patch_left + place.width <= patch
        assert place.patch_top % PHASE == place.patch_left % PHASE == 0
        assert place.index < 5


def test_all_choices_are_made() -> None:
    places = [place for key in range(40) for place in inject((20, 88), 32, 3, key).placements]
    for name, values in (
        ("index", {0, 1, 2}),
        ("flip_rows", {False, True}),
        ("flip_columns", {False, True}),
    ):
        assert {getattr(place, name) for place in places} == values
    assert {place.patch_top for place in places} == {0, 8}
    assert {place.patch_left for place in places if place.width <= 16} == {0, 8, 16}


def test_one_crop_worked_out() -> None:
    """A tile inside one patch: the crop, flipped, times the strength."""
    patch = white(32, 1)[0]
    place = Placement(
        index=0,
        patch_top=8,
        patch_left=16,
        flip_rows=True,
        flip_columns=False,
        top=0,
        left=0,
        height=11,
        width=7,
    )
    op = Inject(pool="0" * 64, strength=0.5, placements=(place,))
    np.testing.assert_array_equal(
        field(op, (11, 7), lambda _: patch), patch[8:19, 16:23][::-1] * np.float32(0.5)
    )


@pytest.mark.parametrize("strength", [0.0, 0.8, 1.2])
def test_strength_scales(strength: float) -> None:
    patches = white(32, 6)
    unit, scaled = (
        field(inject((37, 71), 32, 6, strength=s), (37, 71), lambda i: patches[i])
        for s in (1.0, strength)
    )
    np.testing.assert_allclose(scaled, unit * strength, rtol=1e-6)


def test_moments_are_those_of_the_pool_with_no_seams() -> None:
    """Over many tiles: mean 0 everywhere, and at every pixel, seam, corner of seams or not, the
    pool's variance."""
    shape, patch, count = (52, 75), 32, 400
    patches = white(patch, count)
    tiles = np.stack(
        [
            field(inject(shape, patch, count, key), shape, lambda i: patches[i])
            for key in range(1200)
        ]
    )
    assert np.abs(tiles.mean(axis=(0, 1, 2))).max() < 0.02
    np.testing.assert_allclose(tiles.std(axis=(0, 1, 2)), [3, 5, 7], rtol=0.02)

    variance = (tiles / (3, 5, 7)).var(axis=(0, 3))  # (rows, columns), from 3,600 values each
    rows, columns = (np.zeros(length, bool) for length in shape)
    rows[24:32], columns[24:32], columns[48:56] = True, True, True
    plain = variance[~rows][:, ~columns].mean()
    assert plain == pytest.approx(1, abs=0.02)
    for region in (
        variance[rows][:, ~columns],
        variance[~rows][:, columns],
        variance[rows][:, columns],
    ):
        assert region.mean() == pytest.approx(plain, rel=0.03)
    assert variance.min() > 0.85
    assert variance.max() < 1.15


def inject_by_level(shape: tuple[int, int], count: int, key: Any = 0) -> InjectByLevel:
    rng = stream(3, "inject", key)
    places = with_others(rng, draw_crops(rng, shape, 32, count), count)
    return InjectByLevel.model_validate(
        {"pool": "0" * 64, "levels": "1" * 64, "strength": 1.0, "placements": places}
    )


def test_noise_is_as_strong_as_the_level_asks() -> None:
    """Variance 1 + level / 32 from patches of levels 32 and 160: at level 96 it is 4."""
    levels = np.linspace(0, 255, 96).astype(np.uint8)
    image = np.tile(levels[None, :, None], (400, 1, 3))
    mined = np.tile([32.0, 160.0], 40)
    patches = white(32, 80) / (3, 5, 7) * np.sqrt(1 + mined / 32)[:, None, None, None]
    fields = [
        by_level(
            image,
            inject_by_level((400, 96), 80, key),
            lambda index: patches[index].astype(np.float32),
            lambda index: Gains.of(level_gains(mined[index])),
        )
        for key in range(20)
    ]
    variance = np.square(fields).mean((0, 1, 3))
    expected = 1 + levels.astype(np.float64) / 32
    assert variance == pytest.approx(expected, rel=0.15)
    assert variance[32:40].mean() == pytest.approx(4.0, rel=0.05)


def test_the_patch_of_the_nearest_level_is_taken() -> None:
    image = np.zeros((20, 56, 3), np.uint8)
    image[:, 28:] = 200
    levels = (10.0, 90.0, 210.0)
    op = inject_by_level((20, 56), 3)
    op = op.with_(placements=tuple(place.with_(index=1, others=(2, 0)) for place in op.placements))
    field = by_level(
        image,
        op,
        lambda index: np.full((32, 32, 3), 1.0 + index, np.float32),
        lambda index: Gains.of(
            np.append(np.ones((3, 256)), np.full((3, 1), levels[index]), 1).astype(np.float32)
        ),
    )
    assert field[5, 3].tolist() == [1.0] * 3
    assert field[5, -3].tolist() == [3.0] * 3


@given(st.integers(1, 71), st.integers(1, 71), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_noise_by_level_has_the_bits_of_the_plain_formula(
    height: int, width: int, key: int
) -> None:
    """(patch gain) weight, summed, times strength: looked up and flipped by numpy."""
    rng, shape = np.random.default_rng(key), (height, width)
    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    patches, gains = white(32, 5, key), rng.uniform(0.3, 3, (5, 3, 257)).astype(np.float32)
    gains[:, :, 256] = rng.uniform(0, 255, (5, 3))
    op = inject_by_level(shape, 5, key).with_(strength=1.37)
    plain = np.zeros((*shape, 3), np.float32)
    for place in op.placements:
        there = np.s_[place.top : place.top + place.height, place.left : place.left + place.width]
        sums = image[there].reshape(-1, 3).sum(0, dtype=np.int64)
        rows = (place.index, *place.others)
        own = np.rint(gains[rows, :, 256]).astype(np.int64) * (place.height * place.width)
        row = rows[int(np.abs(sums - own).sum(1).argmin())]
        top, left = place.patch_top, place.patch_left
        crop = patches[row, top : top + place.height, left : left + place.width]
        crop = crop[:: -1 if place.flip_rows else 1, :: -1 if place.flip_columns else 1]
        crop = crop * gains[row][np.arange(3), image[there]]
        plain[there] += crop * crop_weights(place, shape).reshape(crop.shape)
    field = by_level(image, op, patches.__getitem__, lambda index: Gains.of(gains[index]))
    np.testing.assert_array_equal(field, plain * np.float32(1.37))


def test_other_patches_are_drawn_after_the_crops() -> None:
    """So that crops are those of noise as mined."""
    op, plain = inject_by_level((40, 70), 5), inject((40, 70), 32, 5)
    assert [Placement(**place.model_dump(exclude={"others"})) for place in op.placements] == list(
        plain.placements
    )
    assert {len(place.others) for place in op.placements} == {2}

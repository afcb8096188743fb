"""Real pairs with a known truth: how closely HR is moved to LR; and images that are no pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.registered_synthetic import moved
from pairmill.models.functional.resize import bicubic_down, resize, to_uint8
from pairmill.models.registration.kernel import relative_error
from pairmill.pipeline.aligned.align import Aligned, Refused, align, whole_part
from pairmill.pipeline.aligned.pose import pose_of
from pairmill.schemas.aligned import AlignedConfig, AlignedReason
from tests.support.alignment import shift
from tests.support.real_pairs import (
    USUAL,
    Known,
    colour_scene,
    kernel_of,
    real_pair,
    shifts_of,
)

Image = NDArray[np.uint8]
CONFIG = AlignedConfig()
SHAPE = (110, 120)


def used(lr: Image, hr: Image, scale: int = 2) -> Aligned:
    found = align(lr, hr, scale, CONFIG)
    assert isinstance(found, Aligned), found
    return found


def refused(lr: Image, hr: Image, scale: int = 2, **limits: Any) -> Refused:
    found = align(lr, hr, scale, CONFIG.with_(**limits))
    assert isinstance(found, Refused)
    return found


def truth_of(hr: Image, scale: int, known: Known = USUAL) -> NDArray[np.float64]:
    """HR where LR stands, with LR's colours."""
    shifts = shifts_of((SHAPE[0] * scale, SHAPE[1] * scale), known)
    there = [moved(hr[..., c].astype(float), shifts) for c in range(3)]
    return np.stack(there, -1) * np.array(known.gain) + np.array(known.offset)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_hr_stands_where_lr_stands(scale: int) -> None:
    """To a twentieth of an LR pixel everywhere, and as bright; given, it is 1.5 HR pixels off."""
    lr, hr = real_pair(1, SHAPE, scale)
    found = used(lr, hr, scale)
    rows, columns = (slice(1, length - 1) for length in SHAPE)
    assert found.lr.shape == (SHAPE[0] - 2, SHAPE[1] - 2, 3)
    truth = truth_of(hr, scale)[scale:-scale, scale:-scale]
    height, width = (length // 2 for length in truth.shape[:2])
    for top in (0, height):
        for left in (0, width):
            part = np.s_[top : top + height, left : left + width]
            off = shift(found.hr[part].mean(axis=2), truth[part].mean(axis=2), 1)
            assert max(map(abs, off)) < 0.05 * scale, off
    inner = np.s_[8 * scale : -8 * scale, 8 * scale : -8 * scale]
    assert np.sqrt(((found.hr - truth)[inner] ** 2).mean()) < 2.5
    np.testing.assert_array_equal(found.lr, lr[rows, columns])
    np.testing.assert_allclose(found.figures.gain, USUAL.gain, atol=0.01)
    assert found.figures.scale == pytest.approx(scale, rel=0.005)
    assert found.figures.residual_before > 4
    assert found.figures.residual_after < 1
    assert found.figures.shift_left < 0.02


@pytest.mark.parametrize(("scale", "most"), [(2, 0.1), (3, 0.12), (4, 0.2)])
def test_the_kernel_of_one_pair_is_found(scale: int, most: float) -> None:
    lr, hr = real_pair(1, SHAPE, scale)
    kernel = used(lr, hr, scale).kernel
    assert kernel is not None
    assert relative_error(kernel, kernel_of(scale)) < most
    assert kernel.sum() == 1
    assert not (kernel * 2**16 % 1).any()


def test_lr_that_was_published_upscaled_is_downscaled_first() -> None:
    lr, hr = real_pair(1, SHAPE)
    large = to_uint8(resize(lr, SHAPE[0] * 2, SHAPE[1] * 2, "bicubic"))
    found = used(large, hr)
    assert found.reduced
    assert found.figures.scale == pytest.approx(2, rel=0.005)
    assert found.figures.registered == 1
    middle = np.s_[10:90, 10:90]
    assert np.abs(found.lr[middle].astype(int) - lr[1:-1, 1:-1][middle]).mean() < 2


def test_a_hr_that_shows_more_is_cut_and_one_that_shows_less_trims_lr() -> None:
    lr, hr = real_pair(2, SHAPE)
    part = used(lr[4:, 6:], hr)
    assert part.lr.shape[0] >= SHAPE[0] - 6
    assert part.figures.shift[0] == pytest.approx(4 + 1.3, abs=0.3)
    less = used(lr, hr[:, 30:])
    assert less.lr.shape[1] == pytest.approx(SHAPE[1] - 15, abs=2)
    assert less.good.all()
    assert less.figures.overlap == pytest.approx(1 - 15 / SHAPE[1], abs=0.02)


def test_a_place_that_changed_is_not_used() -> None:
    lr, hr = real_pair(3, (144, 150))
    other, _ = real_pair(4, (144, 150))
    changed = lr.copy()
    changed[48:96, 48:96] = other[48:96, 48:96]
    good = used(changed, hr).good
    assert good[55:90, 55:90].mean() < 0.2
    assert good[:40].mean() > 0.8


def test_pose_of_a_known_similarity() -> None:
    """LR is every second pixel mean of HR's part from (20, 30) on."""
    hr = colour_scene(5, (260, 260))
    lr = to_uint8(bicubic_down(np.ascontiguousarray(hr[20:240, 30:250]), 2))
    pose = pose_of(lr, hr, 2)
    assert pose is not None
    assert pose.scale == pytest.approx(2, rel=0.01)
    assert abs(pose.rotation) < 0.5
    np.testing.assert_allclose(pose.middle((110, 110), (260, 260)), (0, 10), atol=0.5)
    assert pose.overlap > 0.99
    assert pose.correlation > 0.95


def test_images_that_are_no_pairs_are_refused_with_the_figure() -> None:
    lr, hr = real_pair(1, SHAPE)
    other, _ = real_pair(2, SHAPE)
    large = to_uint8(resize(lr, 220, 240, "bicubic"))
    small = to_uint8(resize(lr, 76, 83, "area"))
    flat = np.full_like(lr, 90)
    cases: list[tuple[Image, Image, dict[str, Any], AlignedReason, str]] = [
        (other, hr, {}, AlignedReason.OTHER_SCENE, "correlates by"),
        (255 - lr, hr, {}, AlignedReason.OTHER_SCENE, "correlates by -0.9"),
        (lr, hr[:, 168:], {}, AlignedReason.TOO_SMALL, "HR is 72 x 220"),
        (hr, lr, {}, AlignedReason.TOO_SMALL, "HR is 120 x 110; its shorter side must be"),
        (hr, large, {}, AlignedReason.SWAPPED, "times the detail of LR"),
        (lr[..., ::-1], hr, {}, AlignedReason.OTHER_COLOURS, "intensity levels, at most 12"),
        (small, hr, {}, AlignedReason.TOO_SMALL, "LR is 83 x 76"),
        (flat, hr, {}, AlignedReason.BLANK, "LR is blank: its intensity has a standard dev"),
        (lr, np.zeros_like(hr), {}, AlignedReason.BLANK, "HR is blank"),
        (lr[:60], hr, {}, AlignedReason.TOO_SMALL, "LR is 120 x 60; its shorter side must"),
        (lr, hr, {"min_registered": 1.0, "max_shift": 0.001}, AlignedReason.NOT_REGISTERED, "%"),
        (lr, hr, {"max_rotation": 0.01}, AlignedReason.ROTATED, "degrees"),
        (lr, hr, {"min_overlap": 1.0}, AlignedReason.LITTLE_OVERLAP, "99 % of what LR shows"),
    ]
    for first, second, limits, reason, words in cases:
        found = refused(np.ascontiguousarray(first), np.ascontiguousarray(second), **limits)
        assert found.reason == reason, found
        assert words in found.detail


def test_larger_images_that_are_no_pairs_are_refused_with_the_figure() -> None:
    """30 % overlap, another crop, swapped sizes, and scale 2.9."""
    lr, hr = real_pair(6, (200, 230))
    third = refused(lr[:, :140], np.ascontiguousarray(hr[:, 196:]))
    assert third.reason == AlignedReason.LITTLE_OVERLAP
    assert third.figures.overlap == pytest.approx(0.3, abs=0.03)
    crop = refused(lr[:150, :150], np.ascontiguousarray(hr[100:400, 100:400]))
    assert crop.reason == AlignedReason.LITTLE_OVERLAP
    assert "HR shows 44 %" in crop.detail or "HR shows 45 %" in crop.detail
    swapped = refused(hr, lr)
    assert swapped.reason == AlignedReason.SWAPPED
    assert "0.50 times as large" in swapped.detail
    small = to_uint8(resize(lr, round(400 / 2.9), round(460 / 2.9), "bicubic"))
    scale = refused(small, hr)
    assert scale.reason == AlignedReason.OTHER_SCALE
    assert scale.figures.scale == pytest.approx(2.9, abs=0.03)


def test_whole_part_leaves_out_what_is_not_shown() -> None:
    shown = np.ones((37, 31), bool)
    shown[:3] = shown[:, 29:] = False
    assert whole_part(shown) == (slice(3, 37), slice(0, 29))
    assert whole_part(np.ones((37, 31), bool)) == (slice(0, 37), slice(0, 31))

"""Scores of kernels: cameras do what their truths say, and means and tables are right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.kernel_accuracy import merged
from benchmarks.kernel_cases import (
    CONDITIONS,
    DRAWN,
    FORMS,
    SIDES,
    Camera,
    Condition,
    dilated,
    draw_camera,
    draw_div2krk,
    padded,
    take,
    unsharp,
    wider,
)
from benchmarks.kernel_methods import Estimate, camera, constant, log_width, measured, uncertainty
from benchmarks.kernel_pictures import Picture, some_of
from benchmarks.kernel_real_camera import best_gaussian
from benchmarks.kernel_restoration import WEIGHTS, psnr, score, upscaled
from benchmarks.kernel_scores import Key, Score, coverage, rows_of, scored, table
from pairmill.models.camera.forms import CENTRE, Blur
from pairmill.models.functional.kernels import gaussian, offset

SIDE = 240


def picture(seed: int = 0) -> Picture:
    """Noise whose power falls as that of scenes does."""
    rng = np.random.default_rng(seed)
    axis = np.fft.fftfreq(SIDE)
    radius = np.maximum(np.hypot(axis[:, None], axis), 1 / SIDE)
    waves = np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / radius**1.2
    flat = np.fft.ifft2(waves).real
    grey = np.clip(128 + 40 * flat / flat.std(), 0, 255).astype(np.uint8)
    return Picture(str(seed), "made", np.repeat(grey[..., None], 3, 2))


def key(method: str = "a", group: int = 1) -> Key:
    return Key("simulated", "fresh", "gaussian", "no noise", 2, group, method)


def result(error: float, away: float = float("nan")) -> Score:
    return Score(key(), error, 2 * error, 1.0, 0.1, 0.5, "gaussian", away, error, float("nan"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_truths_sum_to_one_and_are_centred(form: str, scale: int) -> None:
    for seed in range(3):
        truth = draw_camera(form, np.random.default_rng(seed), scale).truth
        assert truth.shape == (SIDES[scale], SIDES[scale])
        assert truth.sum() == pytest.approx(1, abs=1e-4)
        assert max(map(abs, offset(truth, scale))) < 0.02
        assert np.abs(truth[0]).max() < 1e-4


def test_truth_of_lobes_is_that_of_the_two_steps() -> None:
    device = draw_camera("lobes", np.random.default_rng(3))
    assert device.truth.min() < -1e-3
    high = picture().image[..., 0].astype(np.float64)
    assert device.mask is not None
    low = cv2.filter2D(high, -1, device.blur, borderType=cv2.BORDER_REFLECT)[::2, ::2]
    two = cv2.filter2D(low, -1, device.mask, borderType=cv2.BORDER_REFLECT)
    one = cv2.filter2D(high, -1, device.truth, borderType=cv2.BORDER_REFLECT)[::2, ::2]
    inside = np.s_[10:-10, 10:-10]
    assert np.abs(one - two)[inside].max() < 0.05


def test_unsharp_mask_keeps_brightness_and_raises_contrast() -> None:
    mask = unsharp(1.0, 1.0)
    assert mask.sum() == pytest.approx(1)
    chequered = (np.indices(mask.shape).sum(0) % 2) * 2 - 1
    assert abs((mask * chequered).sum()) == pytest.approx(2, abs=0.02)
    assert dilated(mask, 3).shape == (25, 25)
    assert dilated(mask, 3)[::3, ::3] == pytest.approx(mask)


def test_padding_keeps_the_middle() -> None:
    kernel = np.arange(25.0).reshape(5, 5)
    assert padded(padded(kernel, 9), 5) == pytest.approx(kernel)
    assert padded(kernel, 9)[4, 4] == padded(kernel, 3)[1, 1] == 12


def test_kernels_of_div2krk_are_small_and_noisy() -> None:
    device = draw_div2krk(np.random.default_rng(0))
    assert device.blur.shape == (DRAWN[2], DRAWN[2])
    assert (device.blur > 0).sum() == 11 * 11
    assert device.blur.sum() == pytest.approx(1)


def test_widened_cameras_are_as_wide_as_asked() -> None:
    device = draw_camera("gaussian", np.random.default_rng(5))
    found = log_width(wider(device, 1.2).truth) - log_width(device.truth)
    assert found == pytest.approx(np.log(1.2), abs=0.01)
    assert wider(device, 1.0).truth == pytest.approx(device.truth, abs=1e-3)


def test_photographs_are_what_their_condition_says() -> None:
    device = draw_camera("gaussian", np.random.default_rng(0))
    plain, noisy, coded = (
        take(picture(), device, condition, np.random.default_rng(1))
        for condition in (Condition(), Condition(noise=4), Condition(quality=85))
    )
    assert plain.image.shape == (SIDE // 2, SIDE // 2, 3)
    difference = noisy.image.astype(float) - plain.image
    assert difference[plain.image > 20].std() == pytest.approx(4, abs=0.3)
    assert plain.table is None
    assert coded.table is not None
    assert coded.table[0, 0] == 5  # libjpeg's 16 at quality 85
    assert 0 < np.abs(coded.image.astype(float) - plain.image).mean() < 4


def test_sharpened_noise_is_stronger() -> None:
    device = draw_camera("lobes", np.random.default_rng(0))
    before, after, without = (
        take(picture(), device, condition, np.random.default_rng(1)).image.astype(float)
        for condition in (Condition(4, before_sharpening=True), Condition(4), Condition())
    )
    assert (before - without).std() > 1.2 * (after - without).std()


def test_conditions_have_names_and_weights() -> None:
    assert set(CONDITIONS) == set(WEIGHTS)
    assert Condition(4, 95).name == "noise 4, JPEG 95"


def test_score_of_the_truth_is_perfect() -> None:
    truth = draw_camera("disc", np.random.default_rng(0)).truth
    found = scored(key(), Estimate("truth", truth, 0.0), truth)
    assert (found.error, found.l1, found.width) == (0, 0, 0)
    assert found.ncc == pytest.approx(1)


def test_width_is_the_deviation_of_a_round_gaussian() -> None:
    assert np.exp(log_width(constant().kernel)) == pytest.approx(1.4, rel=1e-3)
    assert np.exp(log_width(constant(4).kernel)) == pytest.approx(2.8, rel=1e-3)


def test_means_and_coverage() -> None:
    (row,) = rows_of([result(0.1, 0.5), result(0.3, 2.0), replace(result(0.2), psnr=30.0)])
    assert row["kernels"] == 3
    assert row["error"] == 0.2
    assert row["largest error"] == 0.3
    assert row["L1"] == 0.4
    assert row["PSNR-Y"] == 30.0
    assert row["within 90 %"] == 0.5
    assert row["forms"] == {"gaussian": 3}
    assert np.isnan(coverage([result(0.1)]))


def test_means_without_a_value_leave_it_out() -> None:
    (row,) = rows_of([result(0.1)])
    assert "PSNR-Y" not in row
    assert "within 90 %" not in row


def test_table_of_small_numbers() -> None:
    rows = [
        {"truth": "disc", "method": "a", "error": 0.25},
        {"truth": "disc", "method": "b", "error": 12.5},
        {"truth": "line", "method": "b", "error": 0.5},
    ]
    assert table(rows, ["truth"], "method", "error").splitlines() == [
        "| truth | a | b |",
        "|---|---|---|",
        "| disc | 0.250 | 12.50 |",
        "| line |  | 0.500 |",
    ]


def test_sections_that_ran_replace_theirs(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    new = [{"section": "scales", "error": 1}]
    assert merged(new, path) == new
    old = [{"section": "Nikon", "error": 3}, {"section": "scales", "error": 2}]
    path.write_text(json.dumps({"rows": old}))
    assert merged(new, path) == [*new, old[0]]


def test_super_resolution_with_the_truth_beats_another_kernel() -> None:
    device = Camera("gaussian", 2, gaussian(17, 1.8**2 * np.eye(2), 8.5))
    one = take(picture(), device, Condition(), np.random.default_rng(0))
    scores = [
        score(one.image, one.picture.image, kernel, 2, 1e-3)
        for kernel in (device.truth, constant().kernel, constant(sigma=2.5).kernel)
    ]
    assert scores[0] > max(scores[1:]) + 0.3


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_super_resolution_keeps_place_and_brightness(scale: int) -> None:
    high = picture().image[..., 0].astype(np.float64)
    kernel = constant(scale).kernel
    low = cv2.filter2D(high, -1, kernel, borderType=cv2.BORDER_REFLECT)[::scale, ::scale]
    found = upscaled(low, kernel, scale, 1e-4)
    assert found.shape == high.shape
    assert found.mean() == pytest.approx(high.mean(), abs=0.5)
    back = cv2.filter2D(found, -1, kernel, borderType=cv2.BORDER_REFLECT)[::scale, ::scale]
    assert psnr(back, low, 1) > 40


def test_camera_is_scored_alone_and_in_a_group() -> None:
    rng = np.random.default_rng(0)
    device = Camera("gaussian", 2, gaussian(17, 1.5**2 * np.eye(2), 8.5))
    seen = [measured(take(picture(seed), device, Condition(), rng)) for seed in range(2)]
    group, alone = camera(seen, 2), camera(seen[:1], 2)
    assert (group.camera.method, alone.camera.method) == ("camera", "spectral")
    assert len(group.own) == 2
    for one in (group.camera, *group.own):
        assert one.kernel.shape == (SIDES[2], SIDES[2])
        assert 0 < one.deviation < 0.5
    blur = Blur(CENTRE)
    # The width goes as the root of the variance that `SIZE` is the logarithm of.
    deviation, expected = uncertainty(blur, [0], np.array([[0.04]]), 2)
    assert deviation == pytest.approx(0.1, rel=0.05)
    assert expected == pytest.approx(0.1 * np.sqrt(2), rel=0.05)


def test_best_gaussian_of_a_gaussian_is_itself() -> None:
    truth = gaussian(29, np.array([[1.5, 0.4], [0.4, 2.2]]), 14.5)
    assert best_gaussian(truth) == pytest.approx(truth, abs=1e-4)


def test_some_pictures_are_others_for_another_seed() -> None:
    available = [replace(picture(), name=str(number)) for number in range(9)]
    first, again, other = ([one.name for one in some_of(available, 4, seed)] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(set(first)) == 4

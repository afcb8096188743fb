"""Bicubic resizing against MATLAB's published rule, written down again here in the plainest way."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.functional.resize import bicubic_down, bicubic_up, mirror, resize_matrix, to_uint8
from tests.alignment import shift
from tests.make import photograph

HALF_TAPS = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
"""MATLAB's weights for imresize(x, 1/2): values of the cubic at 0.25, 0.75, 1.25 and 1.75, halved."""


def keys_cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def imresize_1d(values: NDArray[np.float64], scale: Fraction) -> NDArray[np.float64]:
    """MATLAB `imresize` along the first axis, one output and one tap at a time, 1-based as published."""
    length, s = len(values), float(scale)
    shrink = min(s, 1.0)
    kernel_width = 4 / shrink
    out = []
    for x in range(1, math.ceil(length * scale) + 1):
        u = x / s + 0.5 * (1 - 1 / s)
        left = math.floor(u - kernel_width / 2)
        taps = range(left, left + math.ceil(kernel_width) + 2)
        weights = [shrink * keys_cubic(shrink * (u - tap)) for tap in taps]
        period = [*range(1, length + 1), *range(length, 0, -1)]      # ... 2 1 | 1 2 ... n | n n-1 ...
        picked = [values[period[(tap - 1) % (2 * length)] - 1] for tap in taps]
        out.append(sum(w * v for w, v in zip(weights, picked, strict=True)) / sum(weights))
    return np.array(out)


def imresize(image: NDArray[np.generic], scale: Fraction) -> NDArray[np.float64]:
    rows = imresize_1d(image.astype(np.float64), scale)
    return imresize_1d(rows.swapaxes(0, 1), scale).swapaxes(0, 1)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("enlarge", [False, True])
def test_equals_the_published_rule(factor: int, enlarge: bool) -> None:
    image = photograph(1)[: 37 // factor * factor, : 31 // factor * factor]
    ours, scale = (bicubic_up, Fraction(factor)) if enlarge else (bicubic_down, Fraction(1, factor))
    # Ours has weights rounded to 2**-20: at most a few thousandths of a grey level.
    np.testing.assert_allclose(ours(image, factor), imresize(image, scale), atol=255 * 40 * 2.0**-21)


def test_half_has_matlabs_taps() -> None:
    matrix = resize_matrix(20, Fraction(1, 2)).toarray()
    np.testing.assert_array_equal(matrix[5, 7:15], HALF_TAPS)
    assert np.count_nonzero(matrix[5]) == 8


def test_half_repeats_the_edge_sample() -> None:
    """The first output of a step: taps -3 -9 29 fall on the mirrored side, 29+111 on sample 0, and so on."""
    matrix = resize_matrix(20, Fraction(1, 2)).toarray()
    np.testing.assert_array_equal(matrix[0, :6] * 256, [111 + 29, 111 - 9, 29 - 3, -9, -3, 0])
    np.testing.assert_array_equal(matrix[-1], matrix[0][::-1])


def test_double_has_the_cubics_own_taps() -> None:
    """Output 2 lies at 0.75: distances 1.75, .75, .25, 1.25; weights of the cubic there, over 128."""
    matrix = resize_matrix(9, Fraction(2)).toarray()
    np.testing.assert_array_equal(matrix[8, 2:6] * 128, [-3, 29, 111, -9])
    np.testing.assert_array_equal(matrix[9, 3:7] * 128, [-9, 111, 29, -3])


@given(st.integers(1, 70), st.sampled_from([Fraction(1, n) for n in range(1, 9)] + [Fraction(n) for n in range(2, 5)]))
@settings(deadline=None, max_examples=60)
def test_weights_sum_to_exactly_one_and_lie_on_the_grid(length: int, scale: Fraction) -> None:
    matrix = resize_matrix(length, scale).toarray()
    assert matrix.shape == (math.ceil(length * scale), length)
    np.testing.assert_array_equal(matrix.sum(axis=1), 1.0)
    np.testing.assert_array_equal(matrix * 2**20, np.rint(matrix * 2**20))
    if length % scale.denominator == 0 and scale.denominator != 6:    # 6: two equal largest weights, one takes the remainder
        np.testing.assert_array_equal(matrix[::-1, ::-1], matrix)     # no side is preferred


@given(st.integers(2, 40), st.integers(2, 40), st.sampled_from([1, 2, 3, 4, 8]), st.sampled_from([1, 3]), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_any_size_and_factor(height: int, width: int, factor: int, channels: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    if min(height, width) < factor:
        with pytest.raises(ValueError, match=f"{height} x {width} cannot be reduced by {factor}"):
            bicubic_down(image, factor)
        return
    small = bicubic_down(image, factor)
    assert small.shape == (height // factor, width // factor, channels)
    assert small.dtype == np.float64
    cropped = image[: height // factor * factor, : width // factor * factor]
    np.testing.assert_array_equal(small, bicubic_down(cropped, factor))         # an incomplete block is left out
    np.testing.assert_array_equal(small, bicubic_down(image.astype(np.float64), factor))
    np.testing.assert_array_equal(small.swapaxes(0, 1), bicubic_down(image.swapaxes(0, 1), factor))
    np.testing.assert_array_equal(small[::-1], bicubic_down(cropped[::-1], factor))


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_results_for_integers_are_exact(factor: int) -> None:
    """Two passes of weights on a 2**-20 grid: multiples of 2**-40, hence no rounding and no order of summation."""
    scaled = bicubic_down(photograph(2, 131, 113), factor) * 2.0**40
    np.testing.assert_array_equal(scaled, np.rint(scaled))
    vertical = resize_matrix(120, Fraction(1, factor)).toarray()
    image = photograph(3, 120, 120)[:, :, 0].astype(object)
    whole = (vertical * 2**20).astype(np.int64).astype(object)
    exact = whole @ image @ whole.T                               # integers of any size
    ours = bicubic_down(photograph(3, 120, 120), factor)[:, :, 0] * 2.0**40
    assert (ours.astype(np.int64).astype(object) == exact).all()


def test_strips_make_no_seam() -> None:
    """More than one strip of 64 output rows, against the same product in one piece."""
    image = photograph(4, 301, 33)
    rows, columns = (resize_matrix(n // 2 * 2, Fraction(1, 2)).toarray() for n in image.shape[:2])
    whole = np.einsum("yh,hwc,xw->yxc", rows, image[:300, :32].astype(np.float64), columns)
    np.testing.assert_array_equal(bicubic_down(image, 2), whole)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_up_then_down_gives_back_a_smooth_image(factor: int) -> None:
    rows, columns = np.mgrid[:37, :31]
    image = np.stack([100 + 40 * np.sin(rows / 6), 90 + columns, 120 + 30 * np.cos(columns / 5)], axis=-1)
    again = bicubic_down(bicubic_up(image, factor), factor)
    assert np.abs(again - image)[3:-3, 3:-3].max() < 0.7


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_down_then_up_does_not_shift(factor: int) -> None:
    image = photograph(5, 240, 240, noise=0)
    enlarged = bicubic_up(bicubic_down(image, factor), factor)
    assert max(map(abs, shift(image.mean(axis=2), enlarged.mean(axis=2), factor))) < 0.05


def test_constant_images_stay_constant() -> None:
    for value in (0, 1, 127, 255):
        assert (bicubic_down(np.full((37, 31, 3), value, np.uint8), 3) == value).all()


def test_to_uint8_rounds_half_up_and_clips() -> None:
    given_values = np.array([-7.0, -0.5, 0.49999, 0.5, 1.5, 2.5, 254.5, 255.4, 300.0])
    np.testing.assert_array_equal(to_uint8(given_values), [0, 0, 0, 1, 2, 3, 255, 255, 255])


def test_mirror_repeats_the_edge_sample() -> None:
    assert mirror(np.arange(-4, 7), 3).tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
    assert mirror(np.arange(-3, 4), 1).tolist() == [0] * 7


def test_the_alignment_helper_measures_shifts() -> None:
    """A known shift, made in the frequency domain, comes back with its sign; without this no alignment test means much."""
    image = photograph(6, 96, 100, noise=0).mean(axis=2)
    rows, columns = np.fft.fftfreq(96)[:, None], np.fft.fftfreq(100)
    for down, right in ((0.0, 0.0), (0.31, -0.72), (-1.2, 0.1)):
        moved = np.fft.ifft2(np.fft.fft2(image) * np.exp(-2j * np.pi * (rows * down + columns * right))).real
        assert shift(image, moved) == pytest.approx((down, right), abs=0.03)

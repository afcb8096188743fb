"""Resizing against the rule of `imresize` as its Python ports have it, written down again here in
the plainest way, and against OpenCV."""

from __future__ import annotations

import math
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pairmill.models.functional.resize import (
    BLOCK,
    Method,
    bicubic_down,
    bicubic_up,
    resize,
    taps,
    to_uint8,
)
from tests.support.alignment import shift
from tests.support.make import photograph

HALF_TAPS = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
"""MATLAB's weights for imresize(x, 1/2): values of the cubic at 0.25, 0.75, 1.25 and 1.75,
halved."""


def keys_cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def imresize_1d(values: NDArray[np.float64], scale: Fraction) -> NDArray[np.float64]:
    """`imresize` along the first axis, one output and one tap at a time, 1-based, borders
    mirrored."""
    length, s = len(values), float(scale)
    shrink = min(s, 1.0)
    kernel_width = 4 / shrink
    out = []
    for x in range(1, math.ceil(length * scale) + 1):
        u = x / s + 0.5 * (1 - 1 / s)
        left = math.floor(u - kernel_width / 2)
        taps = range(left, left + math.ceil(kernel_width) + 2)
        weights = [shrink * keys_cubic(shrink * (u - tap)) for tap in taps]
        period = [*range(1, length + 1), *range(length, 0, -1)]  # ... 2 1 | 1 2 ... n | n n-1 ...
        picked = [values[period[(tap - 1) % (2 * length)] - 1] for tap in taps]
        out.append(sum(w * v for w, v in zip(weights, picked, strict=True)) / sum(weights))
    return np.array(out)


def matrix_of(
    length: int, scale: Fraction, method: Method = "matlab_bicubic"
) -> NDArray[np.float64]:
    """What resizing does to a column of `length` samples, as a matrix: the columns of the unit
    matrix, resized."""
    outputs = math.ceil(length * scale)
    return resize(np.eye(length)[:, :, None], outputs, length, method)[:, :, 0]


def imresize(image: NDArray[np.generic], scale: Fraction) -> NDArray[np.float64]:
    rows = imresize_1d(image.astype(np.float64), scale)
    return imresize_1d(rows.swapaxes(0, 1), scale).swapaxes(0, 1)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("enlarge", [False, True])
def test_equals_the_published_rule(factor: int, enlarge: bool) -> None:
    image = photograph(1)[: 37 // factor * factor, : 31 // factor * factor]
    ours, scale = (bicubic_up, Fraction(factor)) if enlarge else (bicubic_down, Fraction(1, factor))
    # Ours has weights rounded to 2**-20: at most a few thousandths of an intensity level.
    np.testing.assert_allclose(
        ours(image, factor), imresize(image, scale), atol=255 * 40 * 2.0**-21
    )


def test_half_has_matlabs_taps() -> None:
    matrix = matrix_of(20, Fraction(1, 2))
    np.testing.assert_array_equal(matrix[5, 7:15], HALF_TAPS)
    assert np.count_nonzero(matrix[5]) == 8


def test_half_repeats_the_edge_sample() -> None:
    """The first output of a step: taps -3 -9 29 fall on the mirrored side, 29+111 on sample 0, and
    so on."""
    matrix = matrix_of(20, Fraction(1, 2))
    np.testing.assert_array_equal(matrix[0, :6] * 256, [111 + 29, 111 - 9, 29 - 3, -9, -3, 0])
    np.testing.assert_array_equal(matrix[-1], matrix[0][::-1])


def test_double_has_the_cubics_own_taps() -> None:
    """Output 2 lies at 0.75: distances 1.75, .75, .25, 1.25; weights of the cubic there, over
    128."""
    matrix = matrix_of(9, Fraction(2))
    np.testing.assert_array_equal(matrix[8, 2:6] * 128, [-3, 29, 111, -9])
    np.testing.assert_array_equal(matrix[9, 3:7] * 128, [-9, 111, 29, -3])


@given(
    st.integers(1, 70),
    st.sampled_from([Fraction(1, n) for n in range(1, 9)] + [Fraction(n) for n in range(2, 5)]),
)
@settings(deadline=None, max_examples=60)
def test_weights_sum_to_exactly_one_and_lie_on_the_grid(length: int, scale: Fraction) -> None:
    matrix = matrix_of(length, scale)
    assert matrix.shape == (math.ceil(length * scale), length)
    np.testing.assert_array_equal(matrix.sum(axis=1), 1.0)
    np.testing.assert_array_equal(matrix * 2**20, np.rint(matrix * 2**20))
    if (
        length % scale.denominator == 0 and scale.denominator != 6
    ):  # 6: two equal largest weights, one takes the remainder
        np.testing.assert_array_equal(matrix[::-1, ::-1], matrix)  # no side is preferred


@given(
    st.integers(2, 40),
    st.integers(2, 40),
    st.sampled_from([1, 2, 3, 4, 8]),
    st.sampled_from([1, 3]),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_any_size_and_factor(
    height: int, width: int, factor: int, channels: int, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    if min(height, width) < factor:
        with pytest.raises(
            ValueError, match=f"{height} x {width} cannot be downscaled by {factor}"
        ):
            bicubic_down(image, factor)
        return
    small = bicubic_down(image, factor)
    assert small.shape == (height // factor, width // factor, channels)
    assert small.dtype == np.float64
    cropped = image[: height // factor * factor, : width // factor * factor]
    np.testing.assert_array_equal(
        small, bicubic_down(cropped, factor)
    )  # an incomplete block is left out
    np.testing.assert_array_equal(small, bicubic_down(image.astype(np.float64), factor))
    np.testing.assert_array_equal(small.swapaxes(0, 1), bicubic_down(image.swapaxes(0, 1), factor))
    np.testing.assert_array_equal(small[::-1], bicubic_down(cropped[::-1], factor))


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_results_for_integers_are_exact(factor: int) -> None:
    """Two passes of weights on a 2**-20 grid: multiples of 2**-40, hence no rounding and no order
    of summation."""
    scaled = bicubic_down(photograph(2, 131, 113), factor) * 2.0**40
    np.testing.assert_array_equal(scaled, np.rint(scaled))
    vertical = matrix_of(120, Fraction(1, factor))
    image = photograph(3, 120, 120)[:, :, 0].astype(object)
    whole = (vertical * 2**20).astype(np.int64).astype(object)
    exact = whole @ image @ whole.T  # integers of any size
    ours = bicubic_down(photograph(3, 120, 120), factor)[:, :, 0] * 2.0**40
    assert (ours.astype(np.int64).astype(object) == exact).all()


def test_blocks_make_no_seam() -> None:
    """More than one block of outputs, against the same product in one piece."""
    assert BLOCK < 150
    image = photograph(4, 301, 33)
    rows, columns = (matrix_of(n // 2 * 2, Fraction(1, 2)) for n in image.shape[:2])
    whole = np.einsum("yh,hwc,xw->yxc", rows, image[:300, :32].astype(np.float64), columns)
    np.testing.assert_array_equal(bicubic_down(image, 2), whole)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_up_then_down_gives_back_a_smooth_image(factor: int) -> None:
    rows, columns = np.mgrid[:37, :31]
    image = np.stack(
        [100 + 40 * np.sin(rows / 6), 90 + columns, 120 + 30 * np.cos(columns / 5)], axis=-1
    )
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


def test_the_alignment_helper_measures_shifts() -> None:
    """A known shift, made in the frequency domain, comes back with its sign; without this no
    alignment test means much."""
    image = photograph(6, 96, 100, noise=0).mean(axis=2)
    rows, columns = np.fft.fftfreq(96)[:, None], np.fft.fftfreq(100)
    for down, right in ((0.0, 0.0), (0.31, -0.72), (-1.2, 0.1)):
        moved = np.fft.ifft2(
            np.fft.fft2(image) * np.exp(-2j * np.pi * (rows * down + columns * right))
        ).real
        assert shift(image, moved) == pytest.approx((down, right), abs=0.03)


METHODS: list[Method] = [
    "matlab_bicubic",
    "imresize",
    "bicubic",
    "bilinear",
    "area",
    "nearest",
]
CV2: dict[Method, int] = {
    "bicubic": cv2.INTER_CUBIC,
    "bilinear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST_EXACT,
}
SIZES = [(37, 31), (12, 9), (74, 93), (53, 44), (36, 30), (19, 30)]
"""From 37 x 31: the same, down, up by whole factors, up by others, down by a little, down by other
factors."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("method", list(CV2))
def test_equals_opencv(method: Method, size: tuple[int, int]) -> None:
    image = photograph(1).astype(np.float64)
    expected = cv2.resize(image, size[::-1], interpolation=CV2[method])
    np.testing.assert_allclose(
        resize(image, *size, method), expected, atol=2e-3
    )  # OpenCV's weights are float32


@pytest.mark.parametrize("size", [(12, 31), (37, 20), (53, 44), (30, 25)])
def test_matlab_at_any_ratio(size: tuple[int, int]) -> None:
    image = photograph(1)
    rows = imresize_1d(image.astype(np.float64), Fraction(size[0], 37))
    both = imresize_1d(rows.swapaxes(0, 1), Fraction(size[1], 31)).swapaxes(0, 1)
    np.testing.assert_allclose(resize(image, *size), both, atol=5e-3)


@pytest.mark.parametrize(
    ("length", "outputs"),
    [(61, 40), (61, 87), (60, 20), (60, 15), (60, 30), (60, 120), (61, 23), (40, 61)],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_ramp_stays_a_centre_aligned_ramp(method: Method, length: int, outputs: int) -> None:
    """Output y reads (y + 0.5) n_in / n_out - 0.5: within what the method makes of a ramp, and on
    average without any shift."""
    ramp = np.broadcast_to(np.arange(length, dtype=np.float64)[:, None, None], (length, 5, 3))
    found = resize(ramp, outputs, 5, method)[:, 0, 0]
    off = found - ((np.arange(outputs) + 0.5) * length / outputs - 0.5)
    inner = slice(math.ceil(3 * outputs / length) + 2, -math.ceil(3 * outputs / length) - 2)
    assert np.abs(off[inner]).max() <= RIPPLE[method]
    assert abs(off.mean()) < 1e-5


RIPPLE = {
    "matlab_bicubic": 0.02,
    "imresize": 0.02,
    "bicubic": 0.08,
    "bilinear": 1e-5,
    "area": 0.5,
    "nearest": 0.5,
}
"""By how many samples a ramp is off at most: a = -0.75 and antialiased windows do not reproduce it
exactly, and area, when upscaling, and nearest make steps of it."""


def test_nearest_by_hand() -> None:
    """Down by 3 takes the middle one; down by 2 lies between two samples; up by 2 repeats."""
    values = np.arange(6, dtype=np.uint8)[:, None, None] * 10
    assert resize(values, 2, 1, "nearest").ravel().tolist() == [10, 40]
    assert resize(values, 3, 1, "nearest").ravel().tolist() == [5, 25, 45]
    assert resize(values, 12, 1, "nearest").ravel().tolist() == [
        0,
        0,
        10,
        10,
        20,
        20,
        30,
        30,
        40,
        40,
        50,
        50,
    ]


def test_area_by_hand() -> None:
    """5 samples to 2: each output covers two and a half."""
    values = np.array([10, 20, 30, 40, 50], np.uint8)[:, None, None]
    found = resize(values, 2, 1, "area").ravel()
    np.testing.assert_allclose(found, [(10 + 20 + 15) / 2.5, (15 + 40 + 50) / 2.5], atol=1e-4)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(METHODS))
@settings(deadline=None, max_examples=150)
def test_weights_of_all_methods(inputs: int, outputs: int, method: Method) -> None:
    positions, weights = taps(inputs, outputs, method)
    assert positions.shape == weights.shape
    np.testing.assert_array_equal(weights.sum(axis=1), 1.0)
    np.testing.assert_array_equal(weights * 2**20, np.rint(weights * 2**20))
    assert (weights.min() >= 0) or method.endswith(("bicubic", "imresize"))
    flat = resize(np.full((inputs, 3, 1), 77.0), outputs, 3, method)
    assert (flat == 77).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_summation_does_not_matter(method: Method) -> None:
    """Samples beyond 8 bits too: the same bits from a plain product with all samples in reverse
    order."""
    image = photograph(8, 61, 33) * 1.3 - 30 + np.random.default_rng(0).normal(0, 20, (61, 33, 3))
    ours = resize(image, 25, 50, method)
    rows, columns = matrix_of(61, Fraction(25, 61), method), matrix_of(33, Fraction(50, 33), method)
    grid = np.rint(image * 2**20) / 2**20
    first = np.zeros((25, 33, 3))
    for number in reversed(range(61)):
        first += rows[:, number, None, None] * grid[number]
    first = np.rint(first * 2**20) / 2**20
    second = np.zeros((25, 50, 3))
    for number in reversed(range(33)):
        second += columns[None, :, number, None] * first[:, number, None, :]
    np.testing.assert_array_equal(ours, second)


@given(
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.sampled_from(METHODS),
    st.sampled_from([1, 3]),
    st.booleans(),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=120)
def test_any_sizes_have_the_bits_of_the_plain_formula(
    inputs: tuple[int, int],
    outputs: tuple[int, int],
    method: Method,
    channels: int,
    bits: bool,
    seed: int,
) -> None:
    """One tap after the other, samples beyond the image found by folding or at the edge."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (*inputs, channels), np.uint8)
    image: NDArray[np.generic] = levels if bits else levels + rng.normal(0, 90, levels.shape)

    def along_rows(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        length = len(values)
        if count == length:
            return values
        places, weights = taps(length, count, method)
        if method == "matlab_bicubic":
            places = np.r_[:length, length - 1 : -1 : -1][places % (2 * length)]
        else:
            places = np.clip(places, 0, length - 1)
        return np.sum(
            [
                weight[:, None, None] * values[at]
                for weight, at in zip(weights.T, places.T, strict=True)
            ],
            axis=0,
        )

    samples = np.rint(image.astype(np.float64) * 2**20) / 2**20
    half = np.rint(along_rows(samples, outputs[0]) * 2**20) / 2**20
    plain = along_rows(half.swapaxes(0, 1), outputs[1]).swapaxes(0, 1)
    np.testing.assert_array_equal(resize(image, *outputs, method), plain, strict=True)


@pytest.mark.parametrize("sides", [(37, 31), (300, 90), (74, 62), (71, 93), (37, 93)])
def test_strips_change_nothing(sides: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    images = (photograph(1, 74, 62), photograph(1, 74, 62) * 1.1 - 7.3)
    whole = [resize(image, *sides) for image in images]
    monkeypatch.setattr("pairmill.models.functional.resize.AT_ONCE", 1)
    for image, expected in zip(images, whole, strict=True):
        np.testing.assert_array_equal(resize(image, *sides), expected)

"""Exact correlation against two plain loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pairmill.models.functional.blur import (
    block_matrix,
    blur,
    correlate,
    has_blocks,
    on_grid,
)
from pairmill.models.functional.transforms import (
    TRANSFORM,
    UNIT,
    Border,
    correlate_by_fft,
    plane_by_fft,
    round_to,
    spectrum,
)
from tests.support.make import photograph


def random_kernel(size: int, seed: int) -> NDArray[np.float64]:
    """Multiples of 2**-16 with sum 1 and no symmetry."""
    counts = np.random.default_rng(seed).multinomial(UNIT, np.full(size * size, 1 / size**2))
    return counts.reshape(size, size) / UNIT


def loops(image: NDArray[np.uint8], kernel: NDArray[np.float64], scale: int) -> NDArray[np.float64]:
    """LR[i, j] = sum of k[u, v] HR[s i + u - k // 2, s j + v - k // 2], borders ... 1 0 | 0 1
    ..."""
    half = kernel.shape[0] // 2
    padded = np.pad(
        image.astype(np.float64), ((half, half), (half, half), (0, 0)), mode="symmetric"
    )
    out = np.zeros((-(-image.shape[0] // scale), -(-image.shape[1] // scale), image.shape[2]))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            window = padded[scale * i :, scale * j :][: kernel.shape[0], : kernel.shape[0]]
            out[i, j] = (window * kernel[:, :, None]).sum(axis=(0, 1))
    return out


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 3, 5, 13, 17]),
    st.sampled_from([1, 2, 3, 4, 8]),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=80)
def test_equals_the_loops_bit_for_bit(
    height: int, width: int, channels: int, size: int, scale: int, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    kernel = random_kernel(size, seed)
    blocks, expected = block_matrix(kernel, scale), loops(image, kernel, scale)
    for way in (
        blocks,
        replace(blocks, split=None),
    ):  # int8 digits, where the processor has units for them, and float32
        np.testing.assert_array_equal(correlate(image, way), expected, strict=True)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_an_image_of_one_column_of_blocks(scale: int) -> None:
    image, kernel = photograph(5, 37, 8 * scale), random_kernel(5, 3)

    np.testing.assert_array_equal(blur(image, kernel, scale=scale), loops(image, kernel, scale))


@pytest.mark.parametrize(
    ("size", "scale", "height", "width"),
    [(33, 4, 37, 31), (65, 8, 40, 24), (65, 8, 8, 8), (33, 4, 1, 3)],
)
def test_large_kernels_also_beyond_the_image(
    size: int, scale: int, height: int, width: int
) -> None:
    image, kernel = photograph(1, height, width), random_kernel(size, 7)
    ours = correlate(image, block_matrix(kernel, scale))
    np.testing.assert_array_equal(ours, loops(image, kernel, scale), strict=True)


def test_white_under_any_kernel_stays_exact() -> None:
    """255 everywhere is the largest sum: 255 x 2**16 still fits the 24 bits of a float32."""
    for size in (17, 65):
        out = correlate(
            np.full((37, 31, 3), 255, np.uint8), block_matrix(random_kernel(size, 3), 2)
        )
        assert (out == 255).all()


def test_an_off_centre_impulse_shifts_the_image() -> None:
    """Correlation, not convolution: weight at (u, v) takes the sample u - k // 2 rows further
    down."""
    kernel = np.zeros((5, 5))
    kernel[3, 4] = 1
    image = photograph(2)
    out = correlate(image, block_matrix(kernel, 1))
    np.testing.assert_array_equal(out[:-1, :-2], image[1:, 2:])


def test_subsampling_is_taking_every_sth_pixel() -> None:
    image, kernel = photograph(3), random_kernel(17, 5)
    full = correlate(image, block_matrix(kernel, 1))
    for scale in (2, 3, 4, 8):
        np.testing.assert_array_equal(
            correlate(image, block_matrix(kernel, scale)), full[::scale, ::scale]
        )


def shifted_mass(amount: float) -> NDArray[np.float64]:
    kernel = random_kernel(5, 1)
    kernel[2, 2] += amount
    return kernel


@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param(np.full((3, 3), 1 / 9), id="not on the grid"),
        pytest.param(shifted_mass(2.0**-16), id="sum above 1"),
        pytest.param(shifted_mass(-(2.0**-16)), id="sum below 1"),
        pytest.param(np.full((4, 4), 1 / 16), id="even"),
        pytest.param(np.full((1, 4), 1 / 4), id="not square"),
        pytest.param(np.full((3, 3), np.nan), id="not a number"),
    ],
)
def test_other_kernels_are_refused(kernel: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="odd, square and on the 2\\*\\*-16 grid"):
        block_matrix(kernel, 2)


def lobed(size: int) -> NDArray[np.float64]:
    """A kernel with lobes of a sixth of its sum: on the grid, sum 1."""
    kernel = np.zeros((size, size))
    kernel[1:-1, 1:-1] = -(2.0**-8)
    middle = size // 2
    kernel[middle - 1 : middle + 2, middle - 1 : middle + 2] = 0.125
    kernel[middle, middle] += 1 - kernel.sum()
    return kernel


def test_lobes_give_the_same_bits_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the processor has no units for integers there are no blocks: transforms take over."""
    image, kernel = photograph(4), lobed(9)
    direct = loops(image, kernel, 2)
    np.testing.assert_array_equal(correlate_by_fft(image, kernel)[::2, ::2], direct)
    np.testing.assert_array_equal(blur(image, kernel, scale=2), direct)
    if has_blocks(kernel):
        np.testing.assert_array_equal(correlate(image, block_matrix(kernel, 2)), direct)
    monkeypatch.setattr("pairmill.models.functional.integer.available", lambda: False)
    assert not has_blocks(kernel)
    with pytest.raises(ValueError, match="multiplied in integers"):
        block_matrix(kernel, 2)


def test_on_grid() -> None:
    assert on_grid(random_kernel(17, 0))
    assert not on_grid(random_kernel(17, 0) * (1 + 2.0**-30))
    assert on_grid(ringing_kernel(7, 0))


MODES: dict[Border, Literal["symmetric", "reflect", "wrap"]] = {
    "mirror": "symmetric",
    "reflect": "reflect",
    "wrap": "wrap",
}


def ringing_kernel(size: int, seed: int) -> NDArray[np.float64]:
    """Multiples of 2**-16 with sum 1, some of them negative."""
    kernel = random_kernel(size, seed)
    swing = np.random.default_rng(seed).integers(-9000, 9000, kernel.shape) // size
    return kernel + (swing - np.roll(swing, 1, axis=1)) / UNIT


def integers(
    image: NDArray[np.generic], kernel: NDArray[np.float64], border: Border
) -> NDArray[np.float64]:
    """The same in integers of 64 bits, one tap at a time; the image lies on the 2**-16 grid."""
    half, scaled = len(kernel) // 2, np.rint(image.astype(np.float64) * UNIT).astype(np.int64)
    padded = np.pad(scaled, ((half, half), (half, half), (0, 0)), mode=MODES[border])
    out = np.zeros(image.shape, np.int64)
    for (row, column), weight in np.ndenumerate(np.rint(kernel * UNIT).astype(np.int64)):
        out += weight * padded[row:, column:][: image.shape[0], : image.shape[1]]
    return np.asarray(out * 2.0**-32, np.float64)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 3, 7, 21]),
    st.sampled_from(list(MODES)),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=120)
def test_transforms_equal_integer_sums_bit_for_bit(
    height: int,
    width: int,
    channels: int,
    size: int,
    border: Border,
    bits: bool,
    rings: bool,
    seed: int,
) -> None:
    """8-bit images and others with overshoot, kernels with and without negative weights, all
    borders, beyond the image."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (height, width, channels), np.uint8)
    image: NDArray[np.generic] = levels
    if not bits:
        image = round_to(levels + rng.normal(0, 200, levels.shape), 1 / UNIT)
    kernel = ringing_kernel(size, seed) if rings else random_kernel(size, seed)
    expected = integers(image, kernel, border)
    np.testing.assert_array_equal(correlate_by_fft(image, kernel, border), expected, strict=True)
    np.testing.assert_array_equal(blur(image, kernel, border), expected, strict=True)
    for scale in (2, 3, 4):
        kept = expected[::scale, ::scale]
        by_fft = correlate_by_fft(image, kernel, border, scale)
        np.testing.assert_array_equal(by_fft, kept, strict=True)
        np.testing.assert_array_equal(blur(image, kernel, border, scale), kept, strict=True)
    if bits and not rings:
        np.testing.assert_array_equal(
            correlate(np.asarray(image, np.uint8), block_matrix(kernel, 1), border), expected
        )


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 3, 7, 21]),
    st.sampled_from(list(MODES)),
    st.floats(0, 1),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_masks_equal_integer_sums_bit_for_bit(
    height: int, width: int, size: int, border: Border, share: float, seed: int
) -> None:
    mask = (np.random.default_rng(seed).random((height, width, 1)) < share).astype(np.uint8)
    kernel = random_kernel(size, seed)
    expected = integers(mask, kernel, border)[..., 0]
    found = plane_by_fft(mask[..., 0], kernel, border, sample="f4")
    np.testing.assert_array_equal(found, expected.astype(np.float32), strict=True)


@pytest.mark.parametrize("size", [1, 51])
def test_the_exactness_of_masks_has_a_margin(size: int) -> None:
    """The largest part that is transformed at once, in float32, with the harshest content: far less
    than half a unit of 2**-16 off."""
    half, rng = size // 2, np.random.default_rng(0)
    side, kernel = TRANSFORM - 2 * half, random_kernel(size, 2)
    for share in (0.02, 0.5, 1.0):
        mask = (rng.random((side, side, 1)) < share).astype(np.uint8)
        field = np.zeros((TRANSFORM, TRANSFORM), np.float32)
        field[:size, :size] = kernel
        padded = np.pad(mask[..., 0], half, mode="symmetric").astype(np.float32)
        multiplied = cv2.mulSpectrums(cv2.dft(padded), cv2.dft(field), 0, None, True)
        plain = cv2.idft(multiplied, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)[:side, :side]
        exact = correlate_by_fft(mask, kernel)[..., 0]
        assert np.abs(plain - exact).max() < 2.0**-17 / 8
        found = unrounded(mask[..., 0], kernel, "f4")[:side, :side]
        assert np.abs(found - exact).max() < 2.0**-17 / 8
        np.testing.assert_array_equal(plane_by_fft(mask[..., 0], kernel, sample="f4"), exact)


def unrounded(
    plane: NDArray[np.generic], kernel: NDArray[np.float64], sample: str
) -> NDArray[np.floating[Any]]:
    """What is rounded, for one part of the largest size."""
    half = len(kernel) // 2
    padded = np.pad(plane, half, mode="symmetric").astype(sample)
    assert padded.shape == (TRANSFORM, TRANSFORM)
    other = spectrum(kernel, TRANSFORM, TRANSFORM, sample)
    field = cv2.mulSpectrums(cv2.dft(padded), other, 0, None, True)
    return np.asarray(cv2.dft(field, flags=cv2.DFT_INVERSE | cv2.DFT_REAL_OUTPUT))


def test_the_exactness_of_transforms_has_a_margin() -> None:
    """The largest part that is transformed at once, with the harshest content: far less than half a
    unit of 2**-32 off."""
    side, kernel = TRANSFORM - 20, ringing_kernel(21, 4)
    rng = np.random.default_rng(0)
    image = (
        rng.choice([-400.0, 650.0], (side, side, 1)) + rng.integers(0, UNIT, (side, side, 1)) / UNIT
    )
    padded = np.pad(image, ((10, 10), (10, 10), (0, 0)), mode="symmetric")[:, :, 0]
    field = np.zeros((TRANSFORM, TRANSFORM))
    field[:21, :21] = kernel
    plain = np.fft.ifft2(np.fft.fft2(padded) * np.conj(np.fft.fft2(field))).real[:side, :side]
    exact = correlate_by_fft(image, kernel)[:, :, 0]
    assert np.abs(plain - exact).max() < 2.0**-33 / 20
    found = unrounded(image[:, :, 0], kernel, "f8")[:side, :side]
    assert np.abs(found - exact).max() < 2.0**-33 / 20


@pytest.mark.parametrize("scale", [1, 2])
def test_parts_make_no_seam(scale: int) -> None:
    image, kernel = photograph(1, 521 * scale, 1031), random_kernel(25, 3)
    np.testing.assert_array_equal(
        correlate_by_fft(image, kernel, scale=scale), correlate(image, block_matrix(kernel, scale))
    )


@pytest.mark.parametrize("border", ["mirror", "reflect", "wrap"])
def test_borders_by_hand(border: Border) -> None:
    """A kernel that takes the sample two to the left: what comes in from beyond the border."""
    kernel = np.zeros((5, 5))
    kernel[2, 0] = 1
    row = np.array([[10, 20, 30, 40]], np.uint8)[:, :, None]
    expected = {"mirror": [20, 10, 10, 20], "reflect": [30, 20, 10, 20], "wrap": [30, 40, 10, 20]}[
        border
    ]
    assert blur(row, kernel, border).ravel().tolist() == expected


def test_other_images_are_rounded_to_the_grid_first() -> None:
    one = np.ones((1, 1))
    image = np.array([0.1, 1 / 3, 2.0**-18, 2.0**-17 + 2.0**-19, -7.7]).reshape(1, 5, 1)
    np.testing.assert_array_equal(blur(image, one), np.rint(image * UNIT) / UNIT)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_white_and_black_stay_exact_under_negative_weights(scale: int) -> None:
    for level in (0, 255):
        assert (
            blur(np.full((37, 31, 3), level, np.uint8), ringing_kernel(21, 1), "reflect", scale)
            == level
        ).all()

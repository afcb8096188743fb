"""Exact correlation against two plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.functional.blur import UNIT, block_matrix, correlate, on_grid
from tests.make import photograph


def random_kernel(size: int, seed: int) -> NDArray[np.float64]:
    """Multiples of 2**-16 with sum 1 and no symmetry."""
    counts = np.random.default_rng(seed).multinomial(UNIT, np.full(size * size, 1 / size**2))
    return counts.reshape(size, size) / UNIT


def loops(image: NDArray[np.uint8], kernel: NDArray[np.float64], scale: int) -> NDArray[np.float64]:
    """LR[i, j] = sum of k[u, v] HR[s i + u - k // 2, s j + v - k // 2], borders ... 1 0 | 0 1 ..."""
    half = kernel.shape[0] // 2
    padded = np.pad(image.astype(np.float64), ((half, half), (half, half), (0, 0)), mode="symmetric")
    out = np.zeros((-(-image.shape[0] // scale), -(-image.shape[1] // scale), image.shape[2]))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            window = padded[scale * i :, scale * j :][: kernel.shape[0], : kernel.shape[0]]
            out[i, j] = (window * kernel[:, :, None]).sum(axis=(0, 1))
    return out


@given(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.sampled_from([1, 3, 5, 13, 17]),
    st.sampled_from([1, 2, 3, 4, 8]), st.integers(0, 99),
)  # fmt: skip
@settings(deadline=None, max_examples=80)
def test_equals_the_loops_bit_for_bit(height: int, width: int, channels: int, size: int, scale: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    kernel = random_kernel(size, seed)
    ours = correlate(image, block_matrix(kernel, scale))
    np.testing.assert_array_equal(ours, loops(image, kernel, scale), strict=True)


@pytest.mark.parametrize(("size", "scale", "height", "width"), [(33, 4, 37, 31), (65, 8, 40, 24), (65, 8, 8, 8), (33, 4, 1, 3)])
def test_large_kernels_also_beyond_the_image(size: int, scale: int, height: int, width: int) -> None:
    image, kernel = photograph(1, height, width), random_kernel(size, 7)
    ours = correlate(image, block_matrix(kernel, scale))
    np.testing.assert_array_equal(ours, loops(image, kernel, scale), strict=True)


def test_white_under_any_kernel_stays_exact() -> None:
    """255 everywhere is the largest sum: 255 x 2**16 still fits the 24 bits of a float32."""
    for size in (17, 65):
        out = correlate(np.full((37, 31, 3), 255, np.uint8), block_matrix(random_kernel(size, 3), 2))
        assert (out == 255).all()


def test_an_off_centre_impulse_shifts_the_image() -> None:
    """Correlation, not convolution: weight at (u, v) takes the sample u - k // 2 rows further down."""
    kernel = np.zeros((5, 5))
    kernel[3, 4] = 1
    image = photograph(2)
    out = correlate(image, block_matrix(kernel, 1))
    np.testing.assert_array_equal(out[:-1, :-2], image[1:, 2:])


def test_subsampling_is_taking_every_sth_pixel() -> None:
    image, kernel = photograph(3), random_kernel(17, 5)
    full = correlate(image, block_matrix(kernel, 1))
    for scale in (2, 3, 4, 8):
        np.testing.assert_array_equal(correlate(image, block_matrix(kernel, scale)), full[::scale, ::scale])


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
        pytest.param(np.array([[0, 0, 0], [-0.5, 2, -0.5], [0, 0, 0]]), id="negative"),
        pytest.param(np.full((4, 4), 1 / 16), id="even"),
        pytest.param(np.full((1, 4), 1 / 4), id="not square"),
        pytest.param(np.full((3, 3), np.nan), id="not a number"),
    ],
)
def test_other_kernels_are_refused(kernel: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="odd, square and on the 2\\*\\*-16 grid"):
        block_matrix(kernel, 2)


def test_on_grid() -> None:
    assert on_grid(random_kernel(17, 0))
    assert not on_grid(random_kernel(17, 0) * (1 + 2.0**-30))

"""Kernels from shapes against values computed in other ways: error functions, moments,
super-sampling, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.ndimage import gaussian_filter1d

from pairmill.models.functional.blur import on_grid
from pairmill.models.functional.kernel_shapes import disc, line, sinc, to_grid, weights
from pairmill.models.functional.kernels import centre_of_mass, target_centre
from pairmill.schemas.ops.blur import (
    DiscKernel,
    GaussianKernel,
    GeneralisedKernel,
    Kernel,
    MotionKernel,
    PlateauKernel,
    SincKernel,
)

Array = NDArray[np.float64]
SHAPES: list[Kernel] = [
    GaussianKernel(size=21, sigma_x=2.5, sigma_y=2.5),
    GaussianKernel(size=21, sigma_x=3, sigma_y=1.2, angle=0.6),
    GeneralisedKernel(size=21, sigma_x=2.4, sigma_y=1.5, angle=-1.1, beta=0.7),
    PlateauKernel(size=21, sigma_x=2, sigma_y=1.5, angle=2.2, beta=2.5),
    SincKernel(size=21, cutoff=1.3),
    MotionKernel(size=21, length=9.3, angle=0.4),
    DiscKernel(size=21, radius=4.2),
]
IDS = [kernel.words() for kernel in SHAPES]


def centred(kernel: Kernel) -> tuple[Array, Array]:
    """x to the right and y upwards, as one sees the kernel."""
    rows, columns = np.mgrid[: kernel.size, : kernel.size] - kernel.size // 2
    return columns - kernel.shift[1], -(rows - kernel.shift[0])


@pytest.mark.parametrize("kernel", SHAPES, ids=IDS)
def test_weights_lie_on_the_grid_with_sum_one(kernel: Kernel) -> None:
    values = weights(kernel)
    assert values.shape == (21, 21)
    assert on_grid(values)
    assert (values.min() < 0) == isinstance(kernel, SincKernel)
    assert not values.flags.writeable


@pytest.mark.parametrize("kernel", SHAPES, ids=IDS)
def test_a_shift_moves_the_centre(kernel: Kernel) -> None:
    """By (s - 1) / 2, as subsampling by s wants it; the tails that the window cuts move it back a
    little."""
    for scale in (2, 3, 4):
        moved = kernel.with_(size=33, shift=((scale - 1) / 2, (scale - 1) / 2))
        slack = 0.3 if isinstance(kernel, PlateauKernel | SincKernel) else 0.03
        assert centre_of_mass(weights(moved)) == pytest.approx(
            [target_centre(33, scale)] * 2, abs=slack
        )
    aside = weights(kernel.with_(shift=(2.0, -3.0)))
    np.testing.assert_allclose(aside[5:, :15], weights(kernel)[3:-2, 3:-3], atol=0.04)


@pytest.mark.parametrize("kernel", SHAPES, ids=IDS)
def test_whole_shifts_and_half_turns_change_no_value(kernel: Kernel) -> None:
    values = weights(kernel)
    np.testing.assert_allclose(values[::-1, ::-1], values, atol=2.0**-16)


def test_isotropic_gaussian_by_hand() -> None:
    """Size 3, sigma 1: exp(0), exp(-1/2), exp(-1) over their sum 4.8976 is 0.2042, 0.1238,
    0.0751."""
    values = weights(GaussianKernel(size=3, sigma_x=1, sigma_y=1))
    np.testing.assert_allclose(
        values,
        [[0.0751, 0.1238, 0.0751], [0.1238, 0.2042, 0.1238], [0.0751, 0.1238, 0.0751]],
        atol=5e-5,
    )


def test_isotropic_gaussian_equals_scipy() -> None:
    impulse = np.zeros(41)
    impulse[20] = 1
    one = gaussian_filter1d(impulse, 2.5, radius=20)[10:31]
    np.testing.assert_allclose(
        weights(SHAPES[0]), np.outer(one, one) / one.sum() ** 2, atol=2.0**-16
    )


@pytest.mark.parametrize(
    ("angle", "across"), [(0.0, 0.0), (0.5, 1.0), (math.pi / 2, 0.0), (-2.2, -1.0)]
)
def test_moments_of_a_turned_gaussian(angle: float, across: float) -> None:
    """Covariance R diag(9, 2.25) R^T, angles counter-clockwise as one sees them."""
    kernel = GaussianKernel(size=41, sigma_x=3, sigma_y=1.5, angle=angle)
    x, y = centred(kernel)
    values = weights(kernel)
    cos, sin = math.cos(angle), math.sin(angle)
    found = [(values * x * x).sum(), (values * y * y).sum(), (values * x * y).sum()]
    expected = [9 * cos**2 + 2.25 * sin**2, 9 * sin**2 + 2.25 * cos**2, (9 - 2.25) * cos * sin]
    assert found == pytest.approx(expected, abs=0.05)
    assert np.sign(round(found[2], 1)) == (np.sign(sin * cos) if across else 0)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.7, 4.0])
def test_generalised_and_plateau_by_their_formulas(beta: float) -> None:
    general = GeneralisedKernel(size=15, sigma_x=2.5, sigma_y=1.5, angle=0.3, beta=beta)
    x, y = centred(general)
    turn = np.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    inverse = np.linalg.inv(turn @ np.diag([2.5**2, 1.5**2]) @ turn.T)
    points = np.stack([x, y], axis=-1)
    q = np.einsum("...i,ij,...j", points, inverse, points)
    expected = np.exp(-(q**beta) / 2)
    np.testing.assert_allclose(weights(general), expected / expected.sum(), atol=2.0**-16)
    plateau = PlateauKernel(size=15, sigma_x=2.5, sigma_y=1.5, angle=0.3, beta=beta)
    expected = 1 / (1 + q**beta)
    np.testing.assert_allclose(weights(plateau), expected / expected.sum(), atol=2.0**-16)


def test_beta_one_is_the_gaussian() -> None:
    gaussian = GaussianKernel(size=15, sigma_x=2.5, sigma_y=1.5, angle=0.3)
    general = GeneralisedKernel(size=15, sigma_x=2.5, sigma_y=1.5, angle=0.3, beta=1)
    np.testing.assert_array_equal(weights(gaussian), weights(general))


def test_sinc_is_the_transform_of_a_disc() -> None:
    """At radius r: 1 / (2 pi) times the integral of f J0(f r) over 0 <= f <= w, J0 written as an
    integral itself."""
    for radius in (0.0, 0.7, 3.0, 9.5):
        expected = quad(ring, 0, 1.3, args=(radius,))[0] / (2 * math.pi)
        assert float(sinc(np.array(radius), 1.3)) == pytest.approx(expected, abs=1e-9)


def ring(f: float, radius: float) -> float:
    """f J0(f r), with Bessel's integral for J0."""
    return f * quad(lambda t: math.cos(f * radius * math.sin(t)), 0, math.pi)[0] / math.pi


def test_sinc_passes_below_the_cutoff_and_stops_above() -> None:
    response = np.abs(np.fft.fft2(np.asarray(weights(SincKernel(size=21, cutoff=1.3))), (64, 64)))
    frequency = 2 * np.pi * np.abs(np.fft.fftfreq(64))
    radius = np.hypot(frequency[:, None], frequency)
    assert abs(response[radius < 0.9] - 1).max() < 0.15
    assert response[radius > 1.8].max() < 0.12


def supersampled(inside: NDArray[np.bool_], size: int, fine: int) -> Array:
    return inside.reshape(size, fine, size, fine).mean(axis=(1, 3))


@pytest.mark.parametrize(
    ("radius", "shift"),
    [(0.3, 0.0), (0.9, 0.5), (1.0, 0.0), (2.5, 0.5), (4.27, -0.31), (30.0, 0.0)],
)
def test_disc_is_the_covered_area(radius: float, shift: float) -> None:
    """Against 64 x 64 points per cell."""
    size, fine = 11, 64
    points = (np.arange(size * fine) + 0.5) / fine - size / 2 - shift
    expected = supersampled(np.hypot(points[:, None], points) <= radius, size, fine)
    along = np.asarray(np.arange(size) - size // 2 - shift, np.float64)
    np.testing.assert_allclose(disc(along[None, :], along[:, None], radius), expected, atol=0.02)
    if radius < 5:
        assert disc(along[None, :], along[:, None], radius).sum() == pytest.approx(
            math.pi * radius**2, rel=1e-12
        )


@pytest.mark.parametrize(
    ("length", "angle"), [(3.0, 0.0), (0.01, 0.8), (6.5, 0.4), (7.0, math.pi / 2), (8.2, -2.0)]
)
def test_line_is_the_covered_area(length: float, angle: float) -> None:
    size, fine = 13, 64
    points = (np.arange(size * fine) + 0.5) / fine - size / 2
    x, y = points[None, :], -points[:, None]
    along, across = (
        x * math.cos(angle) + y * math.sin(angle),
        y * math.cos(angle) - x * math.sin(angle),
    )
    expected = supersampled((np.abs(along) <= length / 2) & (np.abs(across) <= 0.5), size, fine)
    cells = np.arange(size, dtype=float) - size // 2
    found = line(cells[None, :], -cells[:, None], length, angle)
    np.testing.assert_allclose(found, expected, atol=0.03)
    assert found.sum() == pytest.approx(length, rel=1e-12)


def test_motion_by_hand() -> None:
    """3 px to the right cover three cells; 4 px cover three and two halves."""
    three = weights(MotionKernel(size=5, length=3))
    np.testing.assert_allclose(three[2], [0, 1 / 3, 1 / 3, 1 / 3, 0], atol=2.0**-16)
    np.testing.assert_allclose(
        weights(MotionKernel(size=5, length=4))[2], [0.125, 0.25, 0.25, 0.25, 0.125], atol=2.0**-16
    )
    assert (three[[0, 1, 3, 4]] == 0).all()


@pytest.mark.parametrize(
    "kernel",
    [
        GaussianKernel(size=7, sigma_x=1e-5, sigma_y=1e-5),
        GeneralisedKernel(size=7, sigma_x=1e-5, sigma_y=1e-5, beta=20),
        PlateauKernel(size=7, sigma_x=1e-5, sigma_y=1e-5, beta=20),
        MotionKernel(size=7, length=1e-5, angle=0.7),
        DiscKernel(size=7, radius=1e-5),
    ],
)
def test_what_has_no_width_is_one_cell_or_the_nearest_ones(kernel: Kernel) -> None:
    one = np.zeros((7, 7))
    one[3, 3] = 1
    np.testing.assert_array_equal(weights(kernel), one)
    between = weights(kernel.with_(shift=(0.5, 0.5)))
    assert between[3:5, 3:5].sum() == 1
    assert centre_of_mass(between) == pytest.approx((3.5, 3.5))


def test_one_cell_is_the_identity() -> None:
    assert weights(GaussianKernel(size=1, sigma_x=3, sigma_y=3)).tolist() == [[1.0]]


@given(st.integers(1, 9), st.integers(0, 999))
@settings(deadline=None)
def test_rounding_moves_no_weight_by_a_unit(side: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.3, 1, (side, side))
    values[0, 0] += max(0.0, 1 - values.sum())
    exact, rounded = values / values.sum(), to_grid(values)
    assert on_grid(rounded)
    assert np.abs(rounded - exact).max() < 2.0**-16 * 1.0001


def test_equal_cells_are_ordered_by_place_not_by_noise() -> None:
    """A last bit more or less, as another processor's exp gives it, changes nothing."""
    values = np.exp(-np.add.outer(np.arange(-9.0, 10) ** 2, np.arange(-9.0, 10) ** 2) / 18)
    for seed in range(5):
        noise = 1 + np.random.default_rng(seed).uniform(-1, 1, values.shape) * 4e-16
        np.testing.assert_array_equal(to_grid(values * noise), to_grid(values))


def test_kernels_of_no_weight_and_even_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="sum 0"):
        to_grid(np.zeros((3, 3)))
    with pytest.raises(ValidationError, match="side is odd; got 8"):
        DiscKernel(size=8, radius=2)

"""Geometry of kernels: centres, composition, fixed point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate

from pairmill.models.functional.kernels import (
    SIZES,
    centre_of_mass,
    compose,
    gaussian_kernel,
    offset,
    pad_or_crop,
    recentre,
    target_centre,
    to_fixed_point,
    without_tails,
)
from pairmill.models.kernelgan.postprocess import finish
from pairmill.schemas.kernel import KernelGanConfig


@pytest.mark.parametrize(
    ("size", "scale", "centre"), [(13, 2, 6.5), (17, 2, 8.5), (33, 4, 17.5), (65, 8, 35.5)]
)
def test_target_centre(size: int, scale: int, centre: float) -> None:
    assert target_centre(size, scale) == centre


def test_target_centre_wants_odd_sides() -> None:
    with pytest.raises(ValueError, match="odd side, got 12"):
        target_centre(12, 2)


def test_gaussian_is_centred_and_has_its_width_along_its_axis() -> None:
    kernel = gaussian_kernel(33, 3.0, 1.0, 0.0, 16.0)
    assert centre_of_mass(kernel) == pytest.approx((16, 16))
    column = np.arange(33) - 16
    assert (kernel.sum(0) @ column**2) == pytest.approx(9, rel=0.01)
    assert (kernel.sum(1) @ column**2) == pytest.approx(1, rel=0.01)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.6, 2.2),
    st.floats(0.6, 2.2),
    st.floats(0, 3.1),
    st.floats(-1.5, 1.5),
    st.integers(0, 1000),
)
def test_recentred_kernels_are_centred_positive_and_sum_to_one(
    sigma_x: float, sigma_y: float, theta: float, off: float, seed: int
) -> None:
    rough = gaussian_kernel(17, sigma_x, sigma_y, theta, 8.5 + off)
    rough = rough + np.random.default_rng(seed).normal(0, 1e-4, rough.shape)
    kernel = recentre(rough, 2)
    assert (kernel >= 0).all()
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    assert max(map(abs, offset(kernel, 2))) < 0.005


def test_an_impulse_can_be_recentred() -> None:
    impulse = np.zeros((17, 17))
    impulse[8, 8] = 1
    assert max(map(abs, offset(recentre(impulse, 2), 2))) < 0.005


def test_mass_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="sum"):
        recentre(np.zeros((17, 17)), 2)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_composition_is_repeated_reduction(scale: int) -> None:
    kernel = gaussian_kernel(17, 1.3, 0.8, 0.4, 8.5)
    image = np.random.default_rng(0).uniform(0, 255, (331, 317))
    repeated, step = image, 1
    while step < scale:
        repeated, step = correlate(repeated, kernel, mode="reflect")[::2, ::2], step * 2
    once = correlate(image, compose(kernel, scale), mode="reflect")[::scale, ::scale]
    margin = 10
    inner = (slice(margin, -margin), slice(margin, -margin))
    np.testing.assert_allclose(once[inner], repeated[inner], atol=0.02)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_composed_kernels_have_their_size_and_centre(scale: int) -> None:
    kernel = compose(recentre(gaussian_kernel(17, 1.9, 1.1, 1.0, 8.5), 2), scale)
    assert kernel.shape == (SIZES[scale],) * 2
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    assert max(map(abs, offset(kernel, scale))) < 0.01


def test_composition_to_other_scales_is_an_error() -> None:
    with pytest.raises(ValueError, match="got 3"):
        compose(np.full((17, 17), 1 / 289), 3)


def test_pad_and_crop_keep_the_middle() -> None:
    kernel = np.arange(25.0).reshape(5, 5)
    np.testing.assert_array_equal(pad_or_crop(pad_or_crop(kernel, 9), 5), kernel)
    np.testing.assert_array_equal(pad_or_crop(kernel, 3), kernel[1:4, 1:4])
    with pytest.raises(ValueError, match="odd square"):
        pad_or_crop(kernel, 4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 13, 17, 65]))
def test_fixed_point_is_exact_and_near(seed: int, size: int) -> None:
    kernel = np.random.default_rng(seed).random((size, size)) ** 4
    kernel /= kernel.sum()
    fixed = to_fixed_point(kernel)
    assert fixed.sum() == 1.0
    assert (fixed >= 0).all()
    assert (fixed * 2**16 == np.rint(fixed * 2**16)).all()
    assert np.abs(fixed - kernel).max() < 2.0**-16
    np.testing.assert_array_equal(to_fixed_point(fixed), fixed)


def test_fixed_point_keeps_lobes() -> None:
    """A half in the middle more, an eighth at each side less: all on the grid, sum exactly 1."""
    kernel = np.array([[0, -0.125, 0], [-0.125, 1.5, -0.125], [0, -0.125, 0]])
    np.testing.assert_array_equal(to_fixed_point(kernel), kernel)
    odd = to_fixed_point(kernel + 1e-6)
    assert odd.sum() == 1
    assert np.abs(odd - kernel).max() <= 2**-16
    with pytest.raises(ValueError, match="normalised"):
        to_fixed_point(-kernel)


def test_finishing_removes_the_noise_floor_and_centres() -> None:
    truth = gaussian_kernel(13, 1.5, 0.9, 0.3, 6.5)
    noisy = truth + np.random.default_rng(0).normal(0, 5e-4, truth.shape)
    kernel = finish(noisy, KernelGanConfig())
    assert kernel.shape == (17, 17)
    assert max(map(abs, offset(kernel, 2))) < 0.005
    assert np.linalg.norm(kernel - pad_or_crop(truth, 17)) < 0.1 * np.linalg.norm(truth)


@pytest.mark.parametrize("raw", [np.zeros((13, 13)), np.full((13, 13), np.nan), -np.ones((13, 13))])
def test_finishing_what_is_no_kernel_gives_nan(raw: np.ndarray) -> None:
    assert np.isnan(finish(raw, KernelGanConfig())).all()


def test_tails_go_and_the_centre_stays() -> None:
    kernel = compose(gaussian_kernel(17, 1.6, 0.9, 0.5, target_centre(17, 2)), 4)
    trimmed = without_tails(kernel)
    assert trimmed.sum() == pytest.approx(1, abs=1e-12)
    assert np.count_nonzero(trimmed) < 0.7 * np.count_nonzero(kernel)
    assert np.abs(trimmed - kernel).sum() < 0.02
    assert max(map(abs, offset(trimmed, 4))) < 0.02

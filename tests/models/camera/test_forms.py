"""Transfer functions as kernels, against kernels that are made in pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from scipy.signal import convolve2d

from pairmill.models.camera import curves
from pairmill.models.camera.forms import CENTRE, PROFILE, PULL, Blur, Frequencies, P
from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.kernels import SIZES, gaussian_kernel, offset
from pairmill.schemas.ops.blur import DiscKernel, MotionKernel
from tests.support.photographed import distance


def blur(**values: float) -> Blur:
    """A blur of parameters by name; all others as they begin."""
    found = CENTRE.copy()
    for name, value in values.items():
        found[P[name]] = value
    return Blur(found)


SOME = {
    "gaussian": blur(SIZE=2 * math.log(1.3), UPRIGHT=0.3),
    "disc": blur(SIZE=-1.0, DISC=2.2),
    "line": blur(SIZE=-1.0, LINE=5.0, ANGLE=0.7),
    "sharpened": blur(SIZE=2 * math.log(1.2), AMOUNT=1.0),
}


@pytest.mark.parametrize("pull", [0.0, 0.2])
def test_one_parameter_moved_is_that_blur(pull: float) -> None:
    """Only its factor is computed again: the same bits as of all of them."""
    whole = blur(SIZE=-1.0, DISC=2.2, LINE=5.0, ANGLE=0.7, AMOUNT=1.0).values.copy()
    whole[P.PROFILE : PULL] = 0.05
    whole[PULL] = pull
    rows, columns = np.meshgrid(np.linspace(-0.5, 0.5, 37), np.linspace(0, 0.5, 31), indexing="ij")
    places = range(len(whole))
    first, *moved = Blur(whole).transfers(Frequencies(rows, columns), places, 1e-3)
    np.testing.assert_array_equal(first, Blur(whole).transfer(rows, columns))
    for place, found in zip(places, moved, strict=True):
        values = whole.copy()
        values[place] += 1e-3
        np.testing.assert_array_equal(found, Blur(values).transfer(rows, columns))
        assert not np.array_equal(found, first), place


@pytest.mark.parametrize("scale", SIZES)
@pytest.mark.parametrize("form", SOME)
def test_kernels_sum_to_1_and_are_centred(form: str, scale: int) -> None:
    kernel = SOME[form].kernel(scale, SIZES[scale])
    assert kernel.dtype == np.float64
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    assert max(map(abs, offset(kernel, scale))) < 1e-9


@pytest.mark.parametrize("scale", SIZES)
def test_a_gaussian_is_a_gaussian_at_every_scale(scale: int) -> None:
    """A width of 1.2 half pixels is 0.6 scale HR pixels."""
    centre = SIZES[scale] // 2 + (scale - 1) / 2
    truth = gaussian_kernel(SIZES[scale], 0.6 * scale, 0.6 * scale, 0, centre)
    assert distance(blur(SIZE=2 * math.log(1.2)).kernel(scale, SIZES[scale]), truth) < 2e-3


def test_directions_are_those_of_kernels() -> None:
    """Wide along 30 degrees from the column axis towards later rows."""
    angle, wide, narrow = math.radians(30), math.log(2.0), math.log(0.9)
    difference = wide - narrow
    truth = gaussian_kernel(17, 2.0, 0.9, angle, 8.5)
    found = blur(
        SIZE=wide + narrow,
        UPRIGHT=-difference * math.cos(2 * angle),
        OBLIQUE=difference * math.sin(2 * angle),
    )
    assert distance(found.kernel(2, 17), truth) < 1e-2


@pytest.mark.parametrize("sigma", [0.5, 0.8])
def test_a_kernel_sharper_than_pixels_does_not_ring(sigma: float) -> None:
    """It is sampled in space, as a camera's pixels do, and so nowhere negative."""
    found = blur(SIZE=2 * math.log(sigma))
    kernel = found.kernel(2, 17)
    assert distance(kernel, gaussian_kernel(17, sigma, sigma, 0, 8.5)) < 1e-4
    assert kernel.min() > -1e-5
    assert curves.width(found) == pytest.approx(sigma, abs=0.01)


def test_discs_and_lines_are_those_of_the_ops() -> None:
    disc = weights(DiscKernel(size=17, shift=(0.5, 0.5), radius=2.4))
    assert distance(blur(SIZE=2 * math.log(0.3), DISC=2.4).kernel(2, 17), disc) < 0.1
    line = weights(MotionKernel(size=17, shift=(0.5, 0.5), length=6.0, angle=0.6))
    # Ops count angles against the rows, as one sees the image.
    found = blur(SIZE=2 * math.log(0.45), LINE=6.0, ANGLE=-0.6).kernel(2, 17)
    assert distance(found, line) < 0.25
    assert distance(blur(LINE=6.0, ANGLE=0.6).kernel(2, 17), line) > 0.5


def test_sharpening_is_an_unsharp_mask_on_the_pixels_of_the_photograph() -> None:
    """Blur, every second pixel, unsharp mask: the mask's taps lie two HR pixels apart."""
    round_ = gaussian_kernel(17, 1.2, 1.2, 0, 8.5)
    side = cv2.getGaussianKernel(11, 1.0)
    mask = -1.0 * side @ side.T
    mask[5, 5] += 2
    apart = np.zeros((21, 21))
    apart[::2, ::2] = mask
    truth = convolve2d(round_, apart)[10:27, 10:27]
    found = blur(SIZE=2 * math.log(1.2), AMOUNT=1.0)
    assert distance(found.kernel(2, 17), truth / truth.sum()) < 0.03
    assert found.kernel(2, 17).min() < -0.005
    assert curves.overshoot(curves.transfer_curve(found)) > 0.1


def test_pulling_apart_multiplies_the_width() -> None:
    values = SOME["disc"].values.copy()
    values[PULL] = math.log(1.5)
    assert curves.width(Blur(values)) == pytest.approx(1.5 * curves.width(SOME["disc"]), rel=0.01)


def test_the_free_factor_is_1_at_0_and_given_at_its_knots() -> None:
    values = CENTRE.copy()
    values[P.PROFILE : PULL] = math.log(0.5)
    plain, freer = (Blur(v).transfer(np.zeros(6), np.r_[0, PROFILE / 2]) for v in (CENTRE, values))
    np.testing.assert_allclose(freer / plain, [1, *[0.5] * 5])


def test_curves_of_a_gaussian() -> None:
    """|K| = exp(-2 pi^2 s^2 f^2) with s = 0.65 pixels: a half at 0.288, a tenth at 0.526."""
    found = blur(SIZE=2 * math.log(1.3))
    curve = curves.transfer_curve(found)
    assert curve[0] == 1
    assert curves.falls_to(curve, 0.5) == pytest.approx(0.2883, abs=1e-3)
    assert curves.falls_to(curve, 0.1) == pytest.approx(0.5254, abs=1e-3)
    assert curves.falls_to(curve, 1e-9) == 1.0
    assert curves.overshoot(curve) == 0
    assert curves.width(found) == pytest.approx(1.3, abs=1e-3)


def test_deviations_are_those_of_a_moved_blur() -> None:
    """A standard deviation of 0.1 of the logarithm of the variance is 5 per cent of the width."""
    found = blur(SIZE=2 * math.log(1.3))
    error, width = curves.deviations(found, [(np.array([[0.01]]), [P.SIZE])], 2, 17)
    moved = blur(SIZE=2 * math.log(1.3) + 0.1)
    assert error == pytest.approx(distance(moved.kernel(2, 17), found.kernel(2, 17)), rel=1e-6)
    assert width == pytest.approx(1.3 * 0.0513, rel=0.01)

"""Fields that are affine, and the brightness and colours of LR on HR."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pairmill.models.registration.grid import Grid, shifts_at
from pairmill.models.registration.kernel import first_kernel
from pairmill.models.registration.match import contrast, matched
from pairmill.models.registration.register import Pair, register
from pairmill.models.registration.warp import blurred
from tests.support.real_pairs import colour_scene


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_an_affine_field_is_exact_at_every_hr_pixel(scale: int) -> None:
    grid = Grid((37, 31), 10, scale)
    matrix, shift = np.array([[0.01, -0.02], [0.03, 0.005]]), np.array([0.7, -1.2])
    found = shifts_at(grid, grid.affine(matrix, shift), on_hr=True)
    places = np.mgrid[: 37 * scale, : 31 * scale]
    truth = np.tensordot(matrix, places, 1) + shift[:, None, None]
    np.testing.assert_allclose(found, truth, atol=1e-9)


def test_contrast_is_that_of_most_values() -> None:
    low = np.linspace(20.0, 200.0, 400)
    target = 0.9 * low + 12
    target[:40] += 90  # a tenth shows something else
    assert contrast(low, target) == pytest.approx(0.9, abs=1e-6)


def test_gain_offset_and_shading_are_taken_over_by_hr() -> None:
    """LR is darker by 10 % in red, and a shadow of 12 levels lies over its left half."""
    hr = colour_scene(3, (208, 240)).astype(float)
    kernel = first_kernel(2)
    low = np.stack([blurred(hr[..., c], kernel) for c in range(3)], -1)[::2, ::2]
    shadow = 12 * gaussian_filter((np.arange(120) < 60).astype(float), 8)
    lr = low * np.array([0.9, 1.0, 1.0]) - shadow[:, None]
    weights = np.array([0.299, 0.587, 0.114])
    one = register(Pair("", hr @ weights, lr @ weights), kernel)
    like = matched(one, hr, lr, kernel, np.ones(one.grid.counts, bool))
    np.testing.assert_allclose(like.gain, [0.9, 1.0, 1.0], atol=0.02)
    inner = np.s_[10:-10, 10:-10]
    again = np.stack([blurred(like.hr[..., c], kernel) for c in range(3)], -1)[::2, ::2]
    left = np.sqrt(((again - lr)[inner] ** 2).mean())
    plain = np.sqrt(((low - lr)[inner] ** 2).mean())
    assert plain > 8
    assert left < 2
    assert 2 < like.colour < 12

"""What is out of focus, and what is only flat."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.functional.defocus import CELL, defocus_map, focus

Grey = NDArray[np.uint8]


def stripes(sigma: float, shape: tuple[int, int] = (160, 165)) -> Grey:
    """Edges of 100 levels, 33 pixels apart, blurred by `sigma`."""
    bars = np.where(np.arange(shape[1]) // 33 % 2, 170.0, 70.0)
    image = cv2.GaussianBlur(np.tile(bars, (shape[0], 1)), (0, 0), sigma)
    return np.asarray(np.rint(image), np.uint8)


@pytest.mark.parametrize("sigma", [0.8, 1.5, 2.5, 4.0])
def test_the_blur_of_edges_is_found(sigma: float) -> None:
    blur = defocus_map(stripes(sigma))
    assert blur.shape == (160 // CELL, 165 // CELL)
    assert np.nanmedian(blur) == pytest.approx(sigma, rel=0.15)


def test_sharp_and_blurred_halves() -> None:
    image = np.concatenate([stripes(0.6), stripes(4.0)])
    found = focus(image)
    assert found.defocus == pytest.approx(0.5, abs=0.11)
    assert focus(stripes(0.6)).defocus == 0
    assert focus(stripes(4.0)).defocus == 1


def test_flat_and_shaded_is_not_out_of_focus() -> None:
    rng = np.random.default_rng(2)
    shade = np.tile(np.linspace(60, 200, 160), (128, 1))
    noisy = np.rint(shade + rng.normal(0, 2, shade.shape)).astype(np.uint8)
    for image in (np.full((128, 160), 90, np.uint8), np.rint(shade).astype(np.uint8), noisy):
        assert (focus(image).defocus, focus(image).flat) == (0.0, 1.0)


def test_noise_does_not_hide_it() -> None:
    rng = np.random.default_rng(3)
    noisy = np.clip(stripes(4.0) + rng.normal(0, 3, (160, 165)), 0, 255)
    assert focus(np.rint(noisy).astype(np.uint8)).defocus > 0.8


def test_an_image_smaller_than_a_cell_is_one() -> None:
    assert defocus_map(stripes(3.0, (17, 31))).shape == (1, 1)

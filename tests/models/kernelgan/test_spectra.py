"""Kernels are stretched until a pair is as sharp as its photo: known blurs are found again."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate

from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernels import (
    exponential,
    gaussian,
    gaussian_kernel,
    offset,
    second_moments,
    stretch,
    target_centre,
)
from pairmill.models.functional.noise_floor import noise_floor
from pairmill.models.functional.resize import to_uint8
from pairmill.models.kernelgan.spectra import (
    match,
    matched,
    power_spectrum,
    smoothed,
    spectra,
)

CENTRE = target_centre(17, 2)
MIDDLING = gaussian_kernel(17, 1.4, 1.4, 0.0, CENTRE)
"""What estimators that pull to the middle say of every photo."""
SCENES = ("astronaut", "coffee", "rocket", "immunohistochemistry")
BLURS = {
    "sharp": (0.9, 0.9, 0.0),
    "soft": (1.6, 1.6, 0.0),
    "wide": (2.2, 2.2, 0.0),
    "shaken": (2.2, 1.0, 0.6),
}


def taken(name: str, kernel: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """A photo of a scene that comes with scikit-image, x2, by a camera of this blur."""
    scene = grey(getattr(skimage.data, name)()[:400, :512])
    low = correlate(scene, kernel, mode="reflect")[::2, ::2]
    return to_uint8(low + noise * np.random.default_rng(1).normal(size=low.shape)).astype(
        np.float64
    )


def width(kernel: np.ndarray) -> float:
    return float(np.linalg.det(second_moments(kernel)) ** 0.25)


def distance(kernel: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(kernel - truth) / np.linalg.norm(truth))


@pytest.mark.parametrize(
    ("blur", "noise", "before", "after"),
    [
        ("sharp", 0, 0.49, 0.19),
        ("soft", 0, 0.20, 0.11),
        ("wide", 0, 0.79, 0.13),
        ("shaken", 0, 0.40, 0.11),
        ("shaken", 3, 0.40, 0.21),
    ],
)
def test_known_blurs_are_found_from_a_middling_kernel(
    blur: str, noise: float, before: float, after: float
) -> None:
    """Relative distance to the truth, mean of four photos of 256 x 200 pixels."""
    truth = gaussian_kernel(17, *BLURS[blur], CENTRE)
    found = [matched(spectra(taken(name, truth, noise)), MIDDLING)[0] for name in SCENES]
    assert distance(MIDDLING, truth) == pytest.approx(before, abs=0.01)
    assert np.mean([distance(kernel, truth) for kernel in found]) == pytest.approx(after, abs=0.03)
    assert all(max(map(abs, offset(kernel, 2))) < 0.005 for kernel in found)


def test_a_mismatch_tells_a_wrong_width() -> None:
    """Spectra of photo and trial LR differ little with the true kernel, and far more with a
    wider or a sharper one."""
    truth = gaussian_kernel(17, *BLURS["soft"], CENTRE)
    found = spectra(taken("coffee", truth))
    told = [
        match(found, gaussian_kernel(17, s, s, 0, CENTRE), stretching=False).mismatch
        for s in (0.9, 1.6, 2.4)
    ]
    assert told[1] < 3
    assert min(told[0], told[2]) > told[1] + 2
    assert match(found, MIDDLING).mismatch < match(found, MIDDLING, stretching=False).mismatch


def test_noise_of_known_variance_has_that_power_and_that_floor() -> None:
    white = 128 + 3 * np.random.default_rng(0).normal(size=(203, 171))
    power = power_spectrum(white, 32)
    assert power[5:28, 5:28].mean() == pytest.approx(9, rel=0.05)
    assert power_spectrum(white[:36, :32], 32).shape == (32, 32)
    assert noise_floor(white) == pytest.approx(9, rel=0.15)
    assert noise_floor(np.full((64, 64), 7.0)) == pytest.approx(1 / 12)


def test_flat_and_least_pictures_are_judged_too() -> None:
    for picture in (np.full((64, 64), 9.0), np.random.default_rng(2).uniform(0, 255, (64, 66))):
        kernel, best = matched(spectra(picture), MIDDLING)
        assert np.isfinite(best.mismatch)
        assert kernel.sum() == pytest.approx(1)


@given(
    st.floats(0.9, 1.6),
    st.floats(0.9, 1.6),
    st.floats(-0.4, 0.4),
    st.floats(-0.3, 0.3),
    st.floats(-0.2, 0.2),
)
@settings(max_examples=30, deadline=None)
def test_a_stretch_changes_second_moments_as_its_matrix_says(
    a: float, c: float, b: float, larger: float, turned: float
) -> None:
    """M becomes A M A, and A^-1 undoes A, to what interpolation leaves."""
    kernel = gaussian(25, np.array([[a * a + 0.5, b], [b, c * c + 0.5]]), target_centre(25, 2))
    matrix = exponential(np.array([larger, turned, -turned]))
    pulled = stretch(kernel, matrix, 2)
    assert np.allclose(
        second_moments(pulled), matrix @ second_moments(kernel) @ matrix, rtol=0.06, atol=0.06
    )
    undone = np.asarray(np.linalg.inv(matrix), np.float64)
    assert distance(stretch(pulled, undone, 2), kernel) < 0.06


def test_the_exponential_is_that_of_symmetric_matrices() -> None:
    from scipy.linalg import expm

    for a, b, c in ((0, 0, 0), (0.3, 0, 0), (-0.2, 0.4, 0.1), (0, 0, -0.5)):
        assert np.allclose(
            exponential(np.array([a, b, c])), expm(np.array([[a + b, c], [c, a - b]]))
        )


def test_smoothing_keeps_second_moments_and_takes_asymmetry_away() -> None:
    rng = np.random.default_rng(3)
    rough = stretch(
        gaussian_kernel(17, 1.8, 1.0, 0.4, CENTRE) * rng.uniform(0.5, 1.5, (17, 17)), np.eye(2), 2
    )
    smooth = smoothed(rough)
    assert np.allclose(second_moments(smooth), second_moments(rough), rtol=0.03, atol=0.03)
    turned = smooth[::-1, ::-1]
    assert distance(turned[:-1, :-1], smooth[1:, 1:]) < 0.02  # about the middle between four cells
    assert width(smooth) == pytest.approx(width(rough), rel=0.02)

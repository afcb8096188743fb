"""Blur and sharpening as ops: borders, fusing with subsampling, alignment, and the published
unsharp mask."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import convolve, correlate, gaussian_filter

from pairmill.models.functional.blur import blur
from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.resize import bicubic_up
from pairmill.models.functional.transforms import Border
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops import OPS
from pairmill.pipeline.ops.apply import apply, intermediates
from pairmill.schemas.ops.blur import Blur, GaussianKernel, MotionKernel, SincKernel, UnsharpMask
from pairmill.schemas.ops.resize import Quantise, Resize, Subsample
from pairmill.schemas.program import Program
from tests.support.alignment import shift
from tests.support.make import photograph

NONE = Assets()
TURNED = GaussianKernel(size=15, sigma_x=3, sigma_y=1, angle=0.5)
SCIPY: dict[Border, Literal["reflect", "mirror", "wrap"]] = {
    "mirror": "reflect",
    "reflect": "mirror",
    "wrap": "wrap",
}
"""Our name of each border, and scipy's."""


@pytest.mark.parametrize(
    "kernel", [TURNED, SincKernel(size=13, cutoff=1.1)], ids=["gaussian", "sinc"]
)
@pytest.mark.parametrize("border", list(SCIPY))
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_blur_equals_scipy(
    border: Border, kernel: GaussianKernel | SincKernel, dtype: type
) -> None:
    image = photograph(1).astype(dtype) if dtype is np.uint8 else photograph(1) * 1.37 - 20.125
    op = Blur(kernel=kernel, border=border)
    expected = np.stack(
        [
            correlate(plane.astype(np.float64), weights(kernel), mode=SCIPY[border])
            for plane in np.moveaxis(image, 2, 0)
        ],
        axis=2,
    )
    np.testing.assert_allclose(np.asarray(OPS[Blur](op, image, NONE), float), expected, atol=3e-5)


def test_blur_correlates_and_does_not_convolve() -> None:
    kernel = TURNED.with_(shift=(0.5, 2.0))
    image = photograph(2).astype(float)
    found = OPS[Blur](Blur(kernel=kernel, border="mirror"), image, NONE)
    other = np.stack(
        [convolve(plane, weights(kernel)) for plane in np.moveaxis(image, 2, 0)], axis=2
    )
    assert np.abs(found - other).max() > 5


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    "kernel",
    [
        GaussianKernel(size=7, sigma_x=1, sigma_y=1),
        TURNED,
        MotionKernel(size=31, length=20, angle=1),
    ],
)
def test_blur_then_subsample_is_fused_and_the_same(
    scale: int, kernel: GaussianKernel | MotionKernel
) -> None:
    hr = photograph(3, 37 * scale, 31 * scale)
    program = Program(scale=scale, ops=(Blur(kernel=kernel), Subsample(scale=scale), Quantise()))
    *_, (_, one_by_one) = intermediates(program, hr, NONE)
    np.testing.assert_array_equal(apply(program, hr, NONE), one_by_one)
    resized = (
        Resize(height=37 * scale, width=31 * scale + 5, method="bilinear"),
        Blur(kernel=kernel),
        Subsample(scale=scale),
        Resize(height=37, width=31),
        Quantise(),
    )
    *_, (_, after_floats) = intermediates(Program(scale=scale, ops=resized), hr, NONE)
    np.testing.assert_array_equal(apply(Program(scale=scale, ops=resized), hr, NONE), after_floats)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_shifted_kernel_keeps_lr_on_hr(scale: int) -> None:
    """The centre at (s - 1) / 2 makes every s-th pixel stand for the centre of its block; without
    it LR moves."""
    hr = photograph(5, 60 * scale, 60 * scale, noise=0)
    off = {}
    for moved in (0.0, (scale - 1) / 2):
        kernel = GaussianKernel(
            size=25, sigma_x=0.5 * scale, sigma_y=0.5 * scale, shift=(moved, moved)
        )
        lr = apply(
            Program(scale=scale, ops=(Blur(kernel=kernel), Subsample(scale=scale), Quantise())),
            hr,
            NONE,
        )
        off[moved] = max(
            map(abs, shift(hr.mean(axis=2), bicubic_up(lr, scale).mean(axis=2), scale))
        )
    assert off[(scale - 1) / 2] < 0.1
    assert off[0.0] > 0.3


def test_unsharp_mask_equals_the_published_steps() -> None:
    """BasicSR's order of steps with OpenCV's Gaussian: 51 x 51, sigma 8, weight 0.5, threshold 10
    of 255."""
    image = photograph(6, 71, 93)
    unit = image / 255
    blurred = cv2.GaussianBlur(unit, (51, 51), 8, borderType=cv2.BORDER_REFLECT_101)
    residual = unit - blurred
    soft = cv2.GaussianBlur(
        (np.abs(residual) * 255 > 10).astype(float), (51, 51), 8, borderType=cv2.BORDER_REFLECT_101
    )
    expected = 255 * (soft * np.clip(unit + 0.5 * residual, 0, 1) + (1 - soft) * unit)
    found = OPS[UnsharpMask](UnsharpMask(), image, NONE)
    assert np.abs(expected - image).max() > 5
    assert np.abs(found - expected).max() < 0.25
    assert np.abs(found - expected).mean() < 0.01


def test_unsharp_mask_leaves_small_differences_alone() -> None:
    """A faint texture stays; the same texture with ten times the contrast is sharpened."""
    texture = gaussian_filter(np.random.default_rng(0).standard_normal((37, 31, 3)), (1, 1, 0))
    faint = 128 + texture * (2 / texture.std())
    np.testing.assert_array_equal(OPS[UnsharpMask](UnsharpMask(), faint, NONE), faint)
    strong = 128 + texture * (20 / texture.std())
    assert OPS[UnsharpMask](UnsharpMask(), strong, NONE).std() > 1.2 * strong.std()
    untouched = OPS[UnsharpMask](UnsharpMask(weight=0), strong, NONE)
    np.testing.assert_allclose(np.asarray(untouched, float), strong, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (37, 31), (90, 140)])
@pytest.mark.parametrize("whole", [False, True])
def test_unsharp_mask_has_the_bits_of_the_plain_formula(
    shape: tuple[int, int], whole: bool
) -> None:
    levels = photograph(3, *shape)
    image: NDArray[np.generic] = levels if whole else levels * 1.21 - 17.3
    op = UnsharpMask(size=21, weight=0.7, threshold=4)
    kernel = weights(GaussianKernel(size=op.size, sigma_x=op.sigma, sigma_y=op.sigma))
    samples = image.astype(np.float64)
    residual = samples - blur(image, kernel, "reflect")
    soft = blur((np.abs(residual) > op.threshold).astype(np.uint8), kernel, "reflect")
    plain = samples + soft * (np.clip(samples + op.weight * residual, 0, 255) - samples)
    np.testing.assert_array_equal(OPS[UnsharpMask](op, image, NONE), plain)


def test_sharpening_leaves_a_channel_without_a_mask_as_it_is() -> None:
    """Below the threshold nothing is blurred a second time; the other channels are sharpened."""
    image = photograph(3)
    image[..., 1] = 90
    found = np.asarray(OPS[UnsharpMask](UnsharpMask(), image, NONE))
    np.testing.assert_array_equal(found[..., 1], 90.0)
    whole = np.asarray(OPS[UnsharpMask](UnsharpMask(), photograph(3), NONE))
    np.testing.assert_array_equal(found[..., ::2], whole[..., ::2])
    assert (whole[..., ::2] != photograph(3)[..., ::2]).any()

"""Codes of kernels: numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pairmill.models.archs.kernel_code import KernelCode, components, downscaled, fitted
from pairmill.models.functional.kernels import (
    centre_of_mass,
    gaussian_kernel,
    normalise,
    target_centre,
    to_fixed_point,
)
from pairmill.models.functional.resize import bicubic_down
from pairmill.schemas.errors import UserError

HERE, RIGHT = np.zeros((2, 5, 5))
HERE[2, 2] = RIGHT[2, 3] = 1.0


def test_two_kernels_have_one_component() -> None:
    """Mean (1/2, 1/2); component (1, -1) / sqrt 2; deviation sqrt(1/2); codes 1 and -1."""
    code = KernelCode(2, 5, 2)
    code.learn(np.stack([HERE, RIGHT]))
    assert code.mean[2].tolist() == [0, 0, 0.5, 0.5, 0]
    root = 0.5**0.5
    assert code.basis.reshape(2, 5, 5)[0, 2].tolist() == pytest.approx([0, 0, root, -root, 0])
    assert code.basis[1].tolist() == [0] * 25
    assert code.spread.tolist() == pytest.approx([root, 1.0])
    kernels = torch.from_numpy(np.stack([HERE, RIGHT, (HERE + 3 * RIGHT) / 4])).float()
    found = code.encode(kernels)
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0], [-1.0, 0.0], [-0.5, 0.0]]))
    torch.testing.assert_close(code.decode(found), kernels)
    assert torch.equal(code.usual, kernels[0])


def test_the_order_of_kernels_does_not_change_the_components() -> None:
    kernels = np.stack([gaussian_kernel(9, w, v, w, 4.5) for w in (1, 1.5, 2) for v in (0.7, 1.1)])
    there, back = (components(each, 3) for each in (kernels, kernels[::-1]))
    for one, other in zip(there[:3], back[:3], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_fresh_code_tells_gaussians_apart() -> None:
    """Round and long ones come back from 15 numbers to a fiftieth of their peak."""
    code = KernelCode(15, 21, 2)
    blurs = np.stack(
        [gaussian_kernel(21, a, b, t, 10) for a, b, t in ((0.8, 0.8, 0), (1.6, 1.6, 0), (2, 1, 1))]
    )
    kernels = torch.from_numpy(downscaled(blurs, 2, 21)).float()
    back = code.decode(code.encode(kernels))
    assert (back - kernels).abs().amax((1, 2)).tolist() < (0.02 * kernels.amax((1, 2))).tolist()


def test_rounding_is_not_heard_where_kernels_hardly_vary() -> None:
    """Photographs of one camera, a thousandth apart: each on the grid of 2**-16, and as it was,
    have about the same code.
    """
    widths = 1.3 * (1 + 1e-3 * np.linspace(-1, 1, 8))
    exact = np.stack([normalise(gaussian_kernel(17, w, w, 0, 8.5)) for w in widths])
    code = KernelCode(10, 21, 2)
    code.learn(np.stack([to_fixed_point(kernel) for kernel in exact]))
    rounded, other = (
        code.encode(torch.from_numpy(kernels))
        for kernels in (np.stack([to_fixed_point(kernel) for kernel in exact]), exact)
    )
    assert float((rounded - other).abs().max()) < 0.05


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_blur_and_bicubic_downscaling_are_one_kernel(scale: int) -> None:
    """Its response is what the two make of a white pixel; its centre is where alignment wants
    it."""
    side = 10 * scale + 1
    blur = gaussian_kernel(9, 1.4, 0.8, 0.3, 4)
    kernel = downscaled(blur[None], scale, side)[0]
    assert centre_of_mass(kernel) == pytest.approx([target_centre(side, scale)] * 2, abs=1e-9)
    n = 24
    hr = np.zeros((scale * n, scale * n, 1))
    row, column = scale * 11 + 1, scale * 12
    # Correlation with the blur leaves its mirror image around a white pixel.
    hr[row - 4 : row + 5, column - 4 : column + 5, 0] = blur[::-1, ::-1]
    lr = bicubic_down(hr, scale)[:, :, 0]
    expected = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            u, v = row - scale * i + side // 2, column - scale * j + side // 2
            if 0 <= u < side and 0 <= v < side:
                expected[i, j] = kernel[u, v]
    np.testing.assert_allclose(lr, expected, atol=3e-6)


def test_a_grid_of_another_side() -> None:
    kernel = torch.from_numpy(np.stack([HERE, RIGHT])).float()
    assert torch.equal(fitted(kernel, 5), kernel)
    assert torch.equal(fitted(fitted(kernel, 11), 5), kernel)
    assert fitted(kernel[:1], 3).shape == (1, 3, 3)
    wide = kernel.clone()
    wide[1, 0, 0], wide[1, 2, 3] = 0.002, 0.998
    with pytest.raises(UserError, match=r"0\.20% of its mass outside 3 x 3"):
        fitted(wide, 3)
    with pytest.raises(UserError, match="square with K odd"):
        fitted(kernel[:, :4, :4], 5)

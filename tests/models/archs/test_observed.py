"""LR of known kernels: how it comes about, its gradients, and the HR that explains it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pairmill.models.archs.observed import (
    continued,
    explained,
    gaussian_kernels,
    kernel_gradient,
    observed,
    picture_gradient,
)
from pairmill.models.functional.blur import blur


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng([7, seed]).random(shape))


def kernels(count: int, size: int) -> Tensor:
    """Without any symmetry, of sum 1."""
    values = drawn(count, size, size, seed=9)
    return values / values.sum((1, 2), keepdim=True)


@pytest.mark.parametrize(("scale", "size"), [(1, 5), (2, 5), (3, 7)])
def test_lr_is_that_of_the_corpora(scale: int, size: int) -> None:
    x, kernel = drawn(2, 3, scale * 5, scale * 4), kernels(2, size)
    found = observed(x, kernel, scale)
    for number in range(2):
        wanted = blur(x[number].permute(1, 2, 0).numpy(), kernel[number].numpy(), "reflect", scale)
        np.testing.assert_allclose(found[number].permute(1, 2, 0).numpy(), wanted, atol=2e-5)


@pytest.mark.parametrize(("scale", "size"), [(1, 3), (2, 5), (3, 7)])
@pytest.mark.parametrize("lr", [(37, 31), (3, 5), (1, 2)])
def test_gradients_are_those_of_autograd(scale: int, size: int, lr: tuple[int, int]) -> None:
    x, kernel = drawn(2, 3, scale * lr[0], scale * lr[1]), kernels(2, size)
    for value in (x, kernel):
        value.requires_grad = True
    residual = observed(x, kernel, scale) - drawn(2, 3, *lr, seed=1)
    by_x, by_kernel = torch.autograd.grad(0.5 * residual.square().sum(), (x, kernel))
    torch.testing.assert_close(kernel_gradient(x, residual, size, scale), by_kernel)
    torch.testing.assert_close(picture_gradient(residual, kernel, scale), by_x)


@pytest.mark.parametrize(("scale", "size"), [(1, 5), (2, 5), (3, 7), (2, 13)])
def test_the_data_step_is_the_least_squares_solution(scale: int, size: int) -> None:
    """Against a dense solve, borders circular; 2, 13 has a kernel larger than the picture."""
    height, width = 5 * scale, 3 * scale
    kernel, penalty = kernels(2, size), torch.tensor([0.3, 1e-3]).double()
    z, lr = drawn(2, 1, height, width), drawn(2, 1, 5, 3, seed=1)
    found = explained(z, lr, kernel, scale, penalty)
    for number in range(2):
        rows = np.zeros((15, height * width))
        for i, j, u, v in np.ndindex(5, 3, size, size):
            row, column = (scale * a + b - size // 2 for a, b in ((i, u), (j, v)))
            place = (row % height) * width + column % width
            rows[3 * i + j, place] += float(kernel[number, u, v])
        root = float(penalty[number]) ** 0.5
        system = np.concatenate([rows, root * np.eye(height * width)])
        wanted = np.concatenate([lr[number].numpy().ravel(), root * z[number].numpy().ravel()])
        best = np.linalg.lstsq(system, wanted, rcond=None)[0]
        np.testing.assert_allclose(found[number].numpy().ravel(), best, atol=1e-9)


def test_circular_borders_without_a_step() -> None:
    row = torch.tensor([[[[0.0, 4.0, 8.0]]]])
    assert continued(row, 4)[0, 0, 0].tolist() == [0, 4, 8, 8, 5.5, 2.5, 0]
    assert continued(row, 4).shape == (1, 1, 5, 7)
    assert continued(drawn(1, 2, 1, 1), 5).unique().numel() == 2


def test_gaussians_are_centred_for_the_scale() -> None:
    narrow, wide = gaussian_kernels(11, 2, [0.5, 1.5])
    assert narrow[5, 5] == narrow[6, 6] == narrow.max()
    assert [float(kernel.sum()) for kernel in (narrow, wide)] == pytest.approx([1, 1])
    assert wide[5, 5] < narrow[5, 5]

"""KernelGAN's losses on the collapsed kernel and on the discriminator's logits, each with its
gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from pairmill.models.kernelgan.generator import KERNEL, SCALE

CENTRE = KERNEL // 2 + 0.5 * (SCALE - KERNEL % 2)
"""Row and column of the centre of mass that aligns LR with HR: 6.5, counted from 0."""
RISEN = 0.5
SPARSE_POWER = 0.2
SPARSE_EPS = 1e-12
VECTOR = 64
"""Lanes are padded to whole multiples of this before exp and pow."""


class Weights(NamedTuple):
    """Weights of the generator's loss terms at one iteration."""

    bicubic: float
    total: float
    boundary: float
    centre: float
    sparse: float


def boundary_mask(like: Tensor) -> Tensor:
    """(13, 13): 30 (1 - g / max g) with a Gaussian g of sigma 13, and 0 in the inner 9x9
    (KernelGAN, eq. 4).
    """
    offset = torch.arange(KERNEL, dtype=torch.float64) - KERNEL // 2
    bell = torch.exp(-(offset**2) / (2 * KERNEL**2))
    mask = 30 * (1 - bell[:, None] * bell)
    mask[2:-2, 2:-2] = 0
    return mask.to(like)


def kernel_loss(kernel: Tensor, mask: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """The terms that depend on the kernel alone (KernelGAN, eq. 3 to 6): sum, boundary, centre and
    sparsity.

    Centre and sparsity are asked only of kernels that have risen, |1 - sum| < 0.5: near zero, the
    slope of the sparsity is so steep that it would hold the kernel there for good (the published
    code's kernels have always risen by then, because its bicubic target is three times too bright).

    Args:
        kernel: (T, 13, 13).
        mask: of `boundary_mask`.
        weights: of the terms; terms of weight 0 are not computed.

    Returns:
        The weighted loss (T,) and its gradient (T, 13, 13).
    """
    cells = KERNEL * KERNEL
    total = kernel.sum((1, 2))
    loss = weights.total * (1 - total).abs()
    grad = (weights.total * (total - 1).sign())[:, None, None].expand_as(kernel)
    if weights.boundary:
        loss = loss + weights.boundary * (kernel * mask).abs().sum((1, 2)) / cells
        grad = grad + kernel.sign() * (mask * (weights.boundary / cells))
    if weights.centre or weights.sparse:
        risen = (1 - total).abs() < RISEN
        safe = torch.where(risen, total, torch.ones_like(total))
        near, pull = _centre_loss(kernel, safe)
        sparse, slope = _sparse_loss(kernel)
        loss = loss + torch.where(risen, weights.centre * near + weights.sparse * sparse, 0.0)
        late = weights.centre * pull + weights.sparse * slope
        grad = grad + torch.where(risen[:, None, None], late, 0.0)
    return loss, grad


def adversarial(logits: Tensor, real: float) -> tuple[Tensor, Tensor]:
    """Mean |sigmoid(logits) - real| over a crop's positions (KernelGAN, eq. 2, least absolute
    deviations).

    Args:
        logits: (T, n, P).
        real: 1 to be taken for real, 0 for fake.

    Returns:
        (T, n) losses in [0, 1], and the gradient (T, n, P) of each crop's loss.
    """
    positions = logits.shape[-1]
    probability = _whole_vectors(torch.sigmoid, logits)
    slope = probability * (1 - probability) / positions
    if real:
        return (1 - probability).sum(-1) / positions, -slope
    return probability.sum(-1) / positions, slope


def _centre_loss(kernel: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """Half the squared distance of the centre of mass from `CENTRE`, in squared pixels."""
    position = torch.arange(KERNEL, dtype=kernel.dtype, device=kernel.device)
    row = (kernel.sum(2) * position).sum(1) / total
    column = (kernel.sum(1) * position).sum(1) / total
    off_row, off_column = row - CENTRE, column - CENTRE
    loss = (off_row.square() + off_column.square()) / 2
    pull_row = (off_row / total)[:, None] * (position - row[:, None])
    pull_column = (off_column / total)[:, None] * (position - column[:, None])
    return loss, pull_row[:, :, None] + pull_column[:, None, :]


def _sparse_loss(kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of (|k| + eps) ** 0.2; without eps an exact zero has an infinite slope."""
    cells = KERNEL * KERNEL
    size = kernel.abs() + SPARSE_EPS
    root = _whole_vectors(lambda value: value.pow(SPARSE_POWER), size)
    return root.sum((1, 2)) / cells, kernel.sign() * (SPARSE_POWER / cells) * root / size


def _whole_vectors(function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """`function` element by element, with the same bits for a lane wherever it lies in the batch.

    On a CPU, torch evaluates exp and pow with vector instructions and the last few elements of an
    array one by one, and the two differ in the last bit.
    """
    lanes = values.reshape(values.shape[0], -1)
    length = lanes.shape[1]
    padded = pad(lanes, (0, -length % VECTOR), value=1.0)
    return function(padded)[:, :length].reshape(values.shape)

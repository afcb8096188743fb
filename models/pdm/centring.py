"""Kernels whose centre of mass is where LR and HR are aligned: by parametrisation, not by a
penalty.

A softmax kernel exp(l[u]) / Z is tilted: exp(l[u] + t . u) / Z(t). The mean of u is the gradient of
log Z(t), which is strictly convex, so there is exactly one t that puts the centre of mass at any
point inside the array. Tilting moves a Gaussian without changing its shape, needs no resampling,
and keeps kernels non-negative with sum 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

ITERATIONS = 60
"""Maximum number of Newton steps; a handful is enough but for kernels that lie in several far
pieces."""
SHORTER = (1.0, 0.25, 0.0625, 0.015625)
"""Fractions of a step that are tried; far from the solution, a whole one may overshoot."""
LONGEST = 4.0
"""Most that a step may change the logit of a cell at the border. A kernel of one cell has no
spread, and Newton's step no end."""
CLOSE = {torch.float64: 1e-8, torch.float32: 1e-4}
"""Distance of the centre from its place, in HR pixels, at which the last step is taken; it squares
the distance."""


def positions(size: int, scale: int, like: Tensor) -> Tensor:
    """(size * size, 2): row and column of each cell, from the point where the centre of mass must
    be: size // 2 + (s - 1) / 2.
    """
    axis = torch.arange(size, dtype=like.dtype, device=like.device) - (size // 2 + (scale - 1) / 2)
    return torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)


def centred_softmax(logits: Tensor, scale: int) -> Tensor:
    """Non-negative kernels of sum 1 whose centre of mass is at size // 2 + (scale - 1) / 2 on both
    axes.

    Args:
        logits: (N, size * size), any finite values.
        scale: HR side over LR side.

    Returns:
        (N, size * size), differentiable: the last of the Newton steps carries the exact gradient
        (implicit function theorem).
    """
    size = round(logits.shape[1] ** 0.5)
    places = positions(size, scale, logits)
    tilt = _solved(logits.detach(), places)
    tilt = tilt - _step(torch.softmax(logits + tilt @ places.T, 1), places)
    return torch.softmax(logits + tilt @ places.T, 1)


@torch.no_grad()
def _solved(logits: Tensor, places: Tensor) -> Tensor:
    """(N, 2): minimisers of the convex log Z(t), by Newton's method with a search along each
    step.
    """
    tilt = logits.new_zeros(len(logits), 2)
    for _ in range(ITERATIONS):
        kernels = torch.softmax(logits + tilt @ places.T, 1)
        if float((kernels @ places).abs().max()) < CLOSE.get(logits.dtype, 1e-4):
            break
        step = _step(kernels, places)
        tried = [tilt - part * step for part in SHORTER]
        heights = torch.stack([torch.logsumexp(logits + one @ places.T, 1) for one in tried])
        tilt = torch.stack(tried)[heights.argmin(0), torch.arange(len(tilt), device=tilt.device)]
    return tilt


def _step(kernels: Tensor, places: Tensor) -> Tensor:
    """Newton's step: covariance^-1 mean; only the mean carries the gradient, which at the solution
    is all there is.
    """
    mean = kernels @ places
    rows, columns = places[:, 0], places[:, 1]
    with torch.no_grad():
        within = kernels @ torch.stack([rows * rows, rows * columns, columns * columns], 1)
        a, b, c = (
            within - torch.stack([mean[:, 0] ** 2, mean[:, 0] * mean[:, 1], mean[:, 1] ** 2], 1)
        ).unbind(1)
        ridge = 1e-6 * (a + c).abs() + 1e-9
        a, c = a + ridge, c + ridge
        determinant = (a * c - b * b).clamp(min=1e-12)
    step = (
        torch.stack([c * mean[:, 0] - b * mean[:, 1], a * mean[:, 1] - b * mean[:, 0]], 1)
        / determinant[:, None]
    )
    length, longest = step.detach().norm(dim=1, keepdim=True), LONGEST / rows.abs().max()
    shortened: Tensor = step * (longest / length.clamp(min=longest))
    return shortened

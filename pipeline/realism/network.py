"""A small convolutional network that distinguishes synthetic from real patches by their high-pass
residual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.features import residual

if TYPE_CHECKING:
    import torch

LAYERS = ((5, 24), (3, 24))
"""Side and number of the filters of each convolution; each takes every second place."""
EPOCHS, BATCH, RATE, DECAY = 5, 24, 8e-3, 1e-2


def planes(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the network sees of (N, p, p, 3): the residual, its large values squeezed, and the
    brightness it lies on.

    Returns:
        (N, 4, p - 2, p - 2), about -2 .. 2.
    """
    values = pixels.astype(np.float64)
    rest = np.arcsinh(residual(values) / 4)
    level = (values[:, 1:-1, 1:-1].mean(axis=3, keepdims=True) - 128) / 64
    return np.ascontiguousarray(
        np.concatenate([rest, level], axis=3).transpose(0, 3, 1, 2), np.float32
    )


def network_scores(
    inputs: NDArray[np.float32],
    synthetic: NDArray[np.bool_],
    train: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Scores of all patches by a network trained on some of them; all its randomness comes from
    `rng`.

    Args:
        inputs: (N, 4, h, w) of `planes`.
        synthetic: (N,) which patches are.
        train: (N,) which ones it may learn from.
        rng: Stream for the start, the order and the flips.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of sums, and so the last bits, depend on it
    try:
        weights = _start(rng)
        _train(
            weights,
            torch.from_numpy(inputs[train]),
            torch.from_numpy(synthetic[train].astype(np.float32)),
            rng,
        )
        with torch.no_grad():
            parts = [_forward(weights, part) for part in torch.split(torch.from_numpy(inputs), 256)]
        return np.asarray(torch.cat(parts).double().numpy())
    finally:
        torch.set_num_threads(threads)


def _start(rng: np.random.Generator) -> list[torch.Tensor]:
    """He-normal filters, zero biases."""
    import torch

    weights, before = [], 4
    for side, width in LAYERS:
        filters = rng.standard_normal((width, before, side, side)) * np.sqrt(
            2 / (side * side * before)
        )
        weights += [torch.tensor(filters, dtype=torch.float32), torch.zeros(width)]
        before = width
    weights += [
        torch.tensor(rng.standard_normal((1, 2 * before)) * 0.1, dtype=torch.float32),
        torch.zeros(1),
    ]
    return [weight.requires_grad_() for weight in weights]


def _forward(weights: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Two convolutions; the mean and the spread of the last one's channels go into one score,
    (B,).
    """
    import torch
    from torch.nn.functional import conv2d, linear, relu

    for layer in range(len(LAYERS)):
        x = relu(conv2d(x, weights[2 * layer], weights[2 * layer + 1], stride=2))
    pooled = torch.cat([x.mean(dim=(2, 3)), (x.var(dim=(2, 3)) + 1e-4).sqrt()], dim=1)
    return linear(pooled, weights[-2], weights[-1])[:, 0]


def _train(
    weights: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor, rng: np.random.Generator
) -> None:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for batch in torch.split(
            torch.from_numpy(rng.random(len(x)).argsort(kind="stable")), BATCH
        ):
            part = _turned(x[batch], int(rng.random() * 4))
            loss = binary_cross_entropy_with_logits(_forward(weights, part), y[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def _turned(x: torch.Tensor, way: int) -> torch.Tensor:
    """One of the four flips; whole patches are multiples of 8, so blocks stay on their grid."""
    dims = [dim for bit, dim in enumerate((2, 3)) if way >> bit & 1]
    return x.flip(dims) if dims else x

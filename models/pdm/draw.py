"""One degradation of one image, from random numbers that are given: what a program of PDM does."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from pairmill.models.fitting.threads import one_thread
from pairmill.models.pdm.application import before, needed
from pairmill.models.pdm.degradation import Degradation, Degraded, Latent

LEAST = 8
"""Noise is made for at least so many rows and columns; filters reach no further."""


def numbers(degradation: Degradation, lr_shape: tuple[int, int]) -> int:
    """How many standard normal numbers a draw takes."""
    first, second = _shapes(degradation, lr_shape)
    return int(np.prod(first)) + (0 if second is None else int(np.prod(second)))


def degrade(
    degradation: Degradation, hr: NDArray[np.uint8], normals: NDArray[np.float64]
) -> Degraded:
    """Degrade one image, in float32 on one thread of the CPU: the same bits for the same numbers on
    processors of one kind.

    Args:
        degradation: fitted; its scale divides the sides of `hr`.
        hr: (H, W, 3) uint8; borders are mirrored with the edge sample repeated.
        normals: `numbers(degradation, lr_shape)` of them; those of the kernel first.

    Returns:
        A batch of one, values in [0, 1], not clipped.
    """
    scale, size = degradation.scale, degradation.size
    lr_shape = (hr.shape[0] // scale, hr.shape[1] // scale)
    first, second = _shapes(degradation, lr_shape)
    cut = int(np.prod(first))
    values = torch.from_numpy(normals.astype(np.float32))
    latent = Latent(
        values[:cut].reshape(1, *first),
        None if second is None else values[cut:].reshape(1, *second),
    )
    with torch.inference_mode(), one_thread():
        return _run(degradation, _surrounded(hr, lr_shape, scale, size), latent, lr_shape)


def _run(
    degradation: Degradation, image: Tensor, latent: Latent, lr_shape: tuple[int, int]
) -> Degraded:
    blurred = degradation(image, Latent(latent.kernel, None))
    if degradation.noise is None or latent.noise is None:
        return blurred  # type: ignore[no-any-return]
    short = [max(0, LEAST - side) for side in lr_shape]
    seen = pad(blurred.clean, (0, short[1], 0, short[0]), mode="replicate")
    noise = degradation.noise_of(latent, seen)[:, :, : lr_shape[0], : lr_shape[1]]
    return Degraded(blurred.clean, noise, blurred.clean + noise)


def _surrounded(hr: NDArray[np.uint8], lr_shape: tuple[int, int], scale: int, size: int) -> Tensor:
    """(1, 3, rows, columns) in [0, 1], with the mirrored surroundings that kernels need."""
    wanted = [needed(side, scale, size) for side in lr_shape]
    after = [
        max(0, want - before(size) - side) for want, side in zip(wanted, hr.shape[:2], strict=True)
    ]
    wide = np.pad(hr, ((before(size), after[0]), (before(size), after[1]), (0, 0)), "symmetric")
    cut = np.ascontiguousarray(wide[: wanted[0], : wanted[1]].transpose(2, 0, 1))
    return torch.from_numpy(cut)[None].float() / 255


def _shapes(
    degradation: Degradation, lr_shape: tuple[int, int]
) -> tuple[tuple[int, int, int], tuple[int, int, int] | None]:
    first, _ = degradation.latent_shapes(*lr_shape)
    _, second = degradation.latent_shapes(max(LEAST, lr_shape[0]), max(LEAST, lr_shape[1]))
    return first, second

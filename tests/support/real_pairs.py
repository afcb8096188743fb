"""Pairs of photographs with a known kernel, known shifts and known colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.registered_synthetic import moved, scene
from pairmill.models.functional.kernels import SIZES, gaussian, target_centre
from pairmill.models.registration.grid import Array
from pairmill.models.registration.warp import blurred

Image = NDArray[np.uint8]
TINT = np.array([[0.9, 0.1, 0.0], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7]])
"""How much of three scenes is in red, green and blue."""


@dataclass(frozen=True)
class Known:
    """How a pair was made."""

    gain: tuple[float, float, float] = (0.95, 1.0, 1.04)
    offset: tuple[float, float, float] = (4.0, 0.0, -3.0)
    noise: float = 1.0
    """Of LR, in intensity levels."""
    shift: tuple[float, float] = (1.3, -0.8)
    """(rows, columns) of the middle, in HR pixels."""
    bend: float = 0.5
    """How far shifts differ over the image, in HR pixels."""


USUAL = Known()


def kernel_of(scale: int) -> Array:
    """The camera's blur: oblique, 0.6 LR pixels wide."""
    moments = np.array([[0.4, 0.08], [0.08, 0.3]]) * scale**2
    return gaussian(SIZES[scale], moments, target_centre(SIZES[scale], scale))


def shifts_of(shape: tuple[int, int], known: Known = USUAL) -> Array:
    """(2, H, W): what LR's camera sees at an HR pixel lies so far from it."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None] - 0.5
    wave = np.stack([np.sin(4 * columns + rows), np.cos(3 * rows) * columns])
    return np.asarray(np.array(known.shift)[:, None, None] + known.bend * wave)


def colour_scene(seed: int, shape: tuple[int, int]) -> Image:
    """(H, W, 3): discs, bars and texture in several colours."""
    rng = np.random.default_rng([2026, seed])
    planes = np.stack([scene(max(shape), rng) for _ in range(3)], -1)
    return np.clip(planes @ TINT.T + 0.5, 0, 255).astype(np.uint8)[: shape[0], : shape[1]]


@lru_cache
def real_pair(
    seed: int, lr_shape: tuple[int, int], scale: int = 2, known: Known = USUAL
) -> tuple[Image, Image]:
    """LR (h, w, 3) and HR (s h, s w, 3) of one scene."""
    shape = (lr_shape[0] * scale, lr_shape[1] * scale)
    hr, rng = colour_scene(seed, shape), np.random.default_rng([7, seed])
    low = [
        blurred(moved(hr[..., c].astype(float), shifts_of(shape, known)), kernel_of(scale))
        for c in range(3)
    ]
    lr = np.stack(low, -1)[::scale, ::scale] * np.array(known.gain) + np.array(known.offset)
    lr += known.noise * rng.standard_normal(lr.shape)
    return np.clip(lr + 0.5, 0, 255).astype(np.uint8), hr

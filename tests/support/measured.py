"""A camera that was measured, small and made up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import gaussian_kernel, target_centre
from pairmill.models.pdm.noise_filter import noise_filter
from pairmill.models.pdm.start import Start


def kernel(wide: float) -> NDArray[np.float64]:
    """With negative lobes."""
    lobes = 1.3 * gaussian_kernel(25, wide, wide, 0.0, target_centre(25, 2))
    return np.asarray(lobes - 0.3 * gaussian_kernel(25, 2.0, 2.0, 0.0, target_centre(25, 2)))


def halved(patches: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Stands for a codec: of each patch even levels only, or odd ones, at random."""
    odd = rng.random(len(patches)) < 0.5
    return (patches // 2 * 2 + odd[:, None, None, None]).astype(np.uint8)


def measured(codec: bool = False, planes: int = 1) -> Start:
    """Two cameras with a kernel each: noise of 2 and of 5 intensity levels at every level."""
    kernels = np.stack([np.stack([kernel(wide)] * planes) for wide in (1.0, 1.4)])
    white = noise_filter([])
    return Start(
        kernels=kernels,
        groups=np.array([0, 1]),
        curves=np.stack([np.full((3, 256), 2.0), np.full((3, 256), 5.0)]),
        filters=np.stack([white, white]),
        spreads=np.zeros(2),
        codec=halved if codec else None,
    )

"""From a raw estimate to a usable kernel: noise floor removed, recentred, non-negative, sum 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import SIZES, normalise, pad_or_crop, recentre
from pairmill.schemas.kernel import KernelGanConfig

Array = NDArray[np.float64]


def finish(raw: Array, config: KernelGanConfig) -> Array:
    """A x2 kernel ready for use (KernelGAN, Sec. 4, post-processing).

    Args:
        raw: (13, 13) as estimated.
        config: `threshold` and `keep` define the noise floor.

    Returns:
        (17, 17), non-negative, sum 1, centred for scale 2; all NaN where the estimate holds no
        usable kernel.
    """
    size = SIZES[2]
    try:
        return recentre(pad_or_crop(remove_floor(raw, config.threshold, config.keep), size), 2)
    except ValueError:
        return np.full((size, size), np.nan)


def remove_floor(raw: Array, threshold: float, keep: int) -> Array:
    """The kernel minus `threshold` times its (`keep` + 1)-th largest value, negative values cut,
    sum 1.

    Raises:
        ValueError: if nothing is left, or a value is not finite.
    """
    if not np.isfinite(raw).all():
        raise ValueError("the kernel has values that are not finite")
    floor = max(0.0, threshold * float(np.sort(raw, axis=None)[-1 - keep]))
    return normalise(np.maximum(raw - floor, 0.0))

"""The blur kernel of an op, where it has one, to be drawn next to the step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.kernels import on_grey
from pairmill.pipeline.assets import Assets
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import Blur
from pairmill.schemas.ops.pooled import PooledBlur


def kernel_of(op: Op, assets: Assets) -> NDArray[np.float64] | None:
    """The middle of the kernel that an op blurs with, (k, k), cut to the part that matters; none if
    it does not blur.
    """
    if isinstance(op, PooledBlur):
        return trimmed(on_grey(assets.kernel(op.pool, op.index)))
    if isinstance(op, Blur):
        return trimmed(weights(op.kernel))
    return None


def trimmed(kernel: NDArray[np.float64], share: float = 0.01) -> NDArray[np.float64]:
    """The smallest centred square that holds all values above `share` of the peak, with a rim of
    one cell.
    """
    middle = kernel.shape[0] // 2
    rows, columns = np.nonzero(np.abs(kernel) > share * np.abs(kernel).max())
    if len(rows):
        reach = int(max(np.abs(rows - middle).max(), np.abs(columns - middle).max())) + 1
    else:
        reach = middle
    reach = min(max(reach, 2), middle)
    return kernel[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]

"""The cosine transform of 8 x 8 blocks that JPEG takes (ITU-T T.81, A.3.3), orthonormal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def blocked(plane: Array) -> Array:
    """Coefficients of all whole 8 x 8 blocks of (..., H, W), which starts with one: (..., H // 8, W
    // 8, 8, 8).
    """
    from scipy.fft import dctn  # late: it takes half a second

    rows, columns = plane.shape[-2] // 8, plane.shape[-1] // 8
    cut = plane[..., : rows * 8, : columns * 8].reshape(*plane.shape[:-2], rows, 8, columns, 8)
    return np.asarray(dctn(np.swapaxes(cut, -3, -2), axes=(-2, -1), norm="ortho"))


def unblocked(coefficients: Array) -> Array:
    """The inverse of `blocked`: (..., h, w, 8, 8) to (..., 8 h, 8 w)."""
    from scipy.fft import idctn  # late, as above

    rows, columns = coefficients.shape[-4:-2]
    cut = np.swapaxes(idctn(coefficients, axes=(-2, -1), norm="ortho"), -3, -2)
    return np.asarray(cut.reshape(*coefficients.shape[:-4], rows * 8, columns * 8))

"""Sub-pixel shift between two images by phase correlation; independent of the project's own
measurement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BAND = 0.25
"""Frequencies that count, in cycles per LR pixel: above them an upscaled LR holds mostly
aliases."""


def shift(
    reference: NDArray[np.generic], moved: NDArray[np.generic], scale: int = 1
) -> tuple[float, float]:
    """How far `moved` lies below and right of `reference`, both (H, W), to 0.01 pixels, at most 2.

    `moved` has the detail of an image that was upscaled `scale` times.

    The normalised cross-power spectrum is transformed back on a fine grid (Guizar-Sicairos et al.
    2008), where the highest point is the shift.
    """
    window = np.outer(np.hanning(reference.shape[0]), np.hanning(reference.shape[1]))
    first, second = (np.fft.fft2((plane - plane.mean()) * window) for plane in (reference, moved))
    rows, columns = (np.fft.fftfreq(length) for length in reference.shape)
    cross = second * np.conj(first)
    cross = np.where(
        np.hypot(rows[:, None], columns) < BAND / scale, cross / (np.abs(cross) + 1e-9), 0
    )
    fine = np.arange(-2, 2.005, 0.01)
    peak = (
        np.exp(2j * np.pi * np.outer(fine, rows))
        @ cross
        @ np.exp(2j * np.pi * np.outer(columns, fine))
    )
    row, column = np.unravel_index(peak.real.argmax(), peak.shape)
    return float(fine[row]), float(fine[column])

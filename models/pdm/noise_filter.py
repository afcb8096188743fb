"""The filter that makes white noise hang together as patches of noise do: the square root of their
mean spectrum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
REACH = 3
"""Farthest neighbours that hang together, in LR pixels."""
SIDE = 16
"""Side of the transform in which the root is taken."""
LEAST = 1e-6
"""Weakest noise of a channel that is divided by, in intensity levels."""


def noise_filter(patches: Sequence[NDArray[np.floating]]) -> Array:
    """(3, 3, 7, 7): taps [channel, white channel, row, column], for correlation.

    Args:
        patches: (h, w, 3) each, of mean 0; without one, noise is white.

    Returns:
        Zero-phase taps that white noise of variance 1 leaves with variance 1 and with the
        correlations of the patches, among neighbours up to three pixels apart and among channels.
    """
    taps = np.zeros((3, 3, 2 * REACH + 1, 2 * REACH + 1))
    if not len(patches):
        taps[range(3), range(3), REACH, REACH] = 1
        return taps
    lags = np.mean([_correlations(patch) for patch in patches], axis=0)
    wide = np.zeros((3, 3, SIDE, SIDE))
    wide[..., : 2 * REACH + 1, : 2 * REACH + 1] = lags
    spectrum = np.fft.fft2(np.roll(wide, (-REACH, -REACH), (2, 3))).transpose(2, 3, 0, 1)
    values, vectors = np.linalg.eigh((spectrum + spectrum.conj().swapaxes(2, 3)) / 2)
    roots = (vectors * np.sqrt(np.maximum(values, 0))[:, :, None]) @ vectors.conj().swapaxes(2, 3)
    full = np.roll(np.fft.ifft2(roots.transpose(2, 3, 0, 1)).real, (REACH, REACH), (2, 3))
    # The transform convolves, networks correlate: turned by half a turn.
    taps = full[..., : 2 * REACH + 1, : 2 * REACH + 1][..., ::-1, ::-1]
    return np.asarray(taps / np.sqrt(np.square(taps).sum((1, 2, 3), keepdims=True)))


def _correlations(patch: NDArray[np.floating]) -> Array:
    """(3, 3, 7, 7): E[a(x + lag) b(x)] of channels a and b of variance 1, lags -3 to 3, tapered so
    that the spectrum is hardly negative.
    """
    values = np.asarray(patch, np.float64)
    values = (values - values.mean((0, 1))) / np.maximum(values.std((0, 1)), LEAST)
    height, width = values.shape[:2]
    sides = (height + REACH, width + REACH)
    waves = np.fft.rfft2(values, sides, axes=(0, 1))
    products = waves[:, :, :, None] * waves[:, :, None, :].conj()
    sums = np.fft.irfft2(products, sides, axes=(0, 1)).transpose(2, 3, 0, 1)
    near = np.roll(sums, (REACH, REACH), (2, 3))[..., : 2 * REACH + 1, : 2 * REACH + 1]
    lags = np.abs(np.arange(-REACH, REACH + 1))
    taper = 1 - lags / (REACH + 1) ** 2
    counts = np.outer(height - lags, width - lags)
    return np.asarray(near / counts * np.outer(taper, taper))

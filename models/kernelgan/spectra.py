"""Does a kernel make LR as sharp as the photo it was estimated from, and how must it be
stretched if not.

A photo looks like itself at half its size; KernelGAN rests on that (Bell-Kligler et al.,
NeurIPS 2019, Sec. 3), and so does this, with power spectra instead of a discriminator's patches.
Let H be the photo X downscaled by 2 with bicubic weights, as clean-up does, and L the downscaling
of H with a kernel k. If k is the blur of X, then P_X = g P_L + v, with a gain g and the variance v
of the noise that only X has. So k is stretched (its second moments are changed, not its form) until
they agree. Power says nothing of asymmetry, and of form it says less than of width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import (
    exponential,
    gaussian,
    recentre,
    second_moments,
    stretch,
    target_centre,
)
from pairmill.models.functional.noise_floor import noise_floor
from pairmill.models.functional.resize import bicubic_down

Array = NDArray[np.float64]

SIDE = 32
"""Side of the blocks of a photo whose spectra are averaged, in pixels; half that, if it is not
four times as large."""
GAIN_BAND = (0.1, 0.2)
"""Frequencies, in cycles per pixel of the photo, at which both are made equal: kernel and
noise matter least there."""
BAND = (0.1, 0.5)
"""Frequencies that are compared."""
STRETCH_WEIGHT = 1.0
"""What a stretch by e costs, where a mean squared difference of log spectra of 1 costs 1: how far
the estimate is believed."""
NOISE_WEIGHT = 0.05
"""The same for a noise that is e times what flat parts show; there it is least where noise grows
with light."""
PADDED = 128
"""Side that kernels are padded to before their transform, which is then interpolated."""
DECIBELS = 10 / math.log(10)


@dataclass(frozen=True)
class Match:
    """The stretch with which a kernel's LR is most like the photo."""

    matrix: Array
    """(2, 2), symmetric: the kernel is pulled apart by it."""
    mismatch: float
    """Root mean square difference of the two spectra then, in dB."""


@dataclass(frozen=True)
class Spectra:
    """What is compared: spectra of a photo and of its half-size copy."""

    photograph: Array
    """(n, n): logarithm of the mean power of blocks of n pixels, noise included."""
    reduced: Array
    """(2n, 2n): mean power of blocks of 2n pixels of the bicubic downscaling."""
    noise: float
    """Variance of the photo's noise, as its flattest parts show it, in squared intensity levels."""

    @cached_property
    def grid(self) -> Array:
        """(2, 2n, 2n): frequencies of `downscaled`, in cycles per pixel."""
        axis = np.fft.fftfreq(len(self.reduced))
        return np.stack(np.meshgrid(axis, axis, indexing="ij"))

    @cached_property
    def bands(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(n, n) each: where the gain is taken, and where spectra are compared."""
        axis = np.fft.fftfreq(len(self.photograph))
        radius = np.hypot(axis[:, None], axis)
        gain, compared = ((low <= radius) & (radius <= high) for low, high in (GAIN_BAND, BAND))
        return gain, compared

    def difference(self, power: Array, noise: float) -> float:
        """Mean squared difference of the log spectra of a pair's LR and of the photo.

        Args:
            power: (2n, 2n), |K|^2 at `grid`.
            noise: variance that is added to the LR.
        """
        n, (gain, compared) = len(self.photograph), self.bands
        # Of every second pixel, frequencies that lie n apart fall together.
        low = (self.reduced * power).reshape(2, n, 2, n).sum((0, 2)) + 1e-9
        # Where noise explains nearly all power the rest is chance: at least a tenth counts as
        # image.
        clean = np.maximum(np.exp(self.photograph) - noise, np.exp(self.photograph) / 10)
        # The gain g of P_X = g P_L + v.
        low *= np.exp(np.mean(np.log(clean[gain]) - np.log(low[gain])))
        return float(np.mean(np.square(np.log(low + noise) - self.photograph)[compared]))


def spectra(grey: Array) -> Spectra:
    """Of a photo (H, W) of intensity levels, both sides even and 64 at least."""
    side = SIDE if min(grey.shape) >= 4 * SIDE else SIDE // 2
    half = bicubic_down(grey[:, :, None], 2)[:, :, 0]
    # Blocks of twice the side: of 2 n frequencies n are left when every second pixel is dropped.
    return Spectra(
        np.log(np.maximum(power_spectrum(grey, side), 1e-6)),
        power_spectrum(half, 2 * side),
        noise_floor(grey),
    )


def power_spectrum(grey: Array, side: int) -> Array:
    """(side, side): mean power of all half-overlapping blocks under a Hann window; noise of
    variance v has power v everywhere.
    """
    taper = np.outer(np.hanning(side), np.hanning(side))
    total, count = np.zeros((side, side)), 0
    for top in range(0, grey.shape[0] - side + 1, side // 2):
        row = np.lib.stride_tricks.sliding_window_view(grey[top : top + side], side, axis=1)[
            :, :: side // 2
        ].transpose(1, 0, 2)
        total += np.square(
            np.abs(np.fft.fft2((row - row.mean((1, 2), keepdims=True)) * taper))
        ).sum(0)
        count += len(row)
    return np.asarray(total / count / np.square(taper).sum())


def match(found: Spectra, kernel: Array, *, stretching: bool = True) -> Match:
    """The stretch of a kernel (k, k), and the noise, with which spectra differ least; without
    `stretching`, the noise alone.
    """
    from scipy.ndimage import map_coordinates
    from scipy.optimize import minimize  # late: it takes half a second

    transform = np.abs(np.fft.fftshift(np.fft.fft2(kernel, (PADDED, PADDED))))

    def difference(free: Array) -> float:
        # k(x / A) has the transform K(A f): searching costs no resampling of kernels.
        places = np.tensordot(exponential(free[1:]), found.grid, 1) * PADDED + PADDED // 2
        power = np.square(map_coordinates(transform, places, order=1, mode="constant"))
        return found.difference(power, found.noise * math.exp(free[0]))

    def cost(some: Array) -> float:
        # Without stretching the logarithm of the matrix stays 0.
        free = np.pad(some, (0, len(weights) - len(some)))
        return difference(free) + float(weights @ np.square(free))

    weights = np.array([NOISE_WEIGHT, STRETCH_WEIGHT, STRETCH_WEIGHT, STRETCH_WEIGHT])
    count = len(weights) if stretching else 1
    simplex = np.vstack([np.zeros(count), np.eye(count) * 0.3])
    options: Any = {"initial_simplex": simplex, "xatol": 0.005, "fatol": 1e-6, "maxfev": 500}
    best = np.pad(
        minimize(cost, simplex[0], method="Nelder-Mead", options=options).x,
        (0, len(weights) - count),
    )
    return Match(exponential(best[1:]), DECIBELS * math.sqrt(difference(best)))


def matched(found: Spectra, kernel: Array) -> tuple[Array, Match]:
    """The kernel, its form smoothed, with the stretch with which its LR is most like the
    photo.

    Args:
        found: of the photo.
        kernel: (k, k), non-negative, sum 1, centred for scale 2.

    Returns:
        The same shape and properties, and the match.

    Raises:
        ValueError: if the stretched kernel does not fit into its array.
    """
    form = smoothed(kernel)
    best = match(found, form)
    return stretch(form, best.matrix, 2), best


def smoothed(kernel: Array) -> Array:
    """Half-way from the kernel, made symmetric about its centre, to the Gaussian of equal second
    moments.

    Of what a restart says beyond width and direction, about half is chance
    (docs/explanation/kernels.md).
    """
    centre = target_centre(len(kernel), 2)
    # Power spectra do not see a kernel turned by 180 degrees, so nothing could tell asymmetry.
    symmetric = (kernel + recentre(kernel[::-1, ::-1], 2)) / 2
    return (symmetric + gaussian(len(kernel), second_moments(symmetric), centre)) / 2

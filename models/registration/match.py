"""HR with the brightness and the colours of LR.

Contrast is one gain per channel for the whole image, so that no detail of HR is amplified here and
weakened there; brightness may differ from place to place (shading, flicker, reflections), and is
added smoothly. LR is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from pairmill.models.functional.chroma import LUMA
from pairmill.models.registration.grid import Array
from pairmill.models.registration.register import Mask, Registered
from pairmill.models.registration.warp import blurred, coefficients_of, warp

SMOOTH = 0.7
"""Standard deviation of the smoothing of local brightness, in blocks."""
BAND = (2.0, 12.0)
"""Contrast is compared of what lies between blurs of these standard deviations, in LR pixels: finer
is what is not known of the kernel, coarser is shading."""
TRIMMED = 3.0
"""Pixels off by more than so many times the median do not count for the contrast."""


@dataclass(frozen=True)
class Matched:
    """HR that stands where LR stands, and is as bright."""

    hr: Array
    """(s h, s w, 3), in intensity levels, not clipped."""
    gain: Array
    """(3,): contrast of LR over that of HR."""
    colour: float
    """Root mean square of what differed in colour apart from brightness, before, where it is no
    detail."""
    left: Array
    """(h, w): luma of LR minus that of the blurred HR, afterwards."""


def matched(registered: Registered, hr: Array, lr: Array, kernel: Array, good: Mask) -> Matched:
    """Warp HR to LR in colour, and give it LR's brightness and contrast.

    Args:
        registered: the pair.
        hr: (s h, s w, 3), in intensity levels.
        lr: (h, w, 3).
        kernel: (k, k), from HR to LR.
        good: blocks that may be compared.
    """
    grid, shifts, scale = registered.grid, registered.shifts(), registered.pair.scale
    use = registered.usable & grid.spread(good)
    counts = grid.sums(use.astype(np.float64))
    moved, gains, before, left = [], [], [], []
    for channel in range(3):
        high = warp(coefficients_of(np.ascontiguousarray(hr[..., channel])), shifts)
        low, target = blurred(high, kernel)[::scale, ::scale], lr[..., channel]
        gain = contrast(*(_band(plane)[use] for plane in (low, target)))
        rest = grid.sums(use * (target - gain * low)) / np.maximum(counts, 1)
        light = cv2.resize(_smooth(rest, counts), high.shape[::-1])
        moved.append(gain * high + light)
        gains.append(gain)
        before.append(gaussian_filter(target - low, BAND[0])[use])
        left.append(target - gain * low - light[scale // 2 :: scale, scale // 2 :: scale])
    colour = np.stack(before) - np.tensordot(LUMA, np.stack(before), 1)
    return Matched(
        np.stack(moved, -1),
        np.array(gains),
        float(np.sqrt((colour**2).mean())) if colour.size else 0.0,
        np.tensordot(LUMA, np.stack(left), 1),
    )


def _band(plane: Array) -> Array:
    fine, coarse = (gaussian_filter(plane, sigma) for sigma in BAND)
    return np.asarray(fine - coarse)


def contrast(low: Array, target: Array) -> float:
    """The gain between two sets of values that leaves least, without what is far off."""
    gain, offset = _line(low, target)
    off = np.abs(target - gain * low - offset)
    near = off <= TRIMMED * max(float(np.median(off)), 0.5)
    return _line(low[near], target[near])[0]


def _line(x: Array, y: Array) -> tuple[float, float]:
    spread = float(((x - x.mean()) ** 2).sum())
    gain = float((x - x.mean()) @ (y - y.mean())) / max(spread, 1e-9)
    return gain, float(y.mean() - gain * x.mean())


def _smooth(values: Array, counts: Array) -> Array:
    """Means of blocks, smoothed; blocks without a pixel to compare take their neighbours'."""
    weights = gaussian_filter(counts, SMOOTH, mode="nearest")
    total = gaussian_filter(counts * values, SMOOTH, mode="nearest")
    everywhere = float((counts * values).sum() / max(float(counts.sum()), 1e-9))
    # A pixel's worth of the mean of all, for places that are far from every block that counts.
    return np.asarray((total + everywhere) / (weights + 1))

"""Whether the asymmetry of a kernel can be had from edges, which power spectra do not see.

Differences g of neighbouring pixels along an axis are edges with the camera's line spread. Of them

    D(t) = sum of g(x)^3 g(x + t) - g(x) g(x + t)^3, over the sum of g^4

is 0 for scenes that look alike in a mirror, whichever side of an edge is the bright one, and is
carried by the strongest edges. A kernel with a one-sided tail moves it; by how much more or less an
ideal step does says how skewed the kernel is, up to a factor that is fitted on other pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row
from benchmarks.kernel_pictures import Picture
from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernels import target_centre

Array = NDArray[np.float64]

PHOTOGRAPHS = 12
SEED = 5000
SIZE = 33
SIGMA = 1.2
"""Of the Gaussian under the tail, in HR pixels of scale 2."""
TAILS = (0.0, 1.0, 1.5, 2.2)
"""Lengths of the exponential tail along columns, in HR pixels."""
STEPS = (1, 2, 3)
FINER = 8
"""Samples to a pixel that kernels are drawn with."""


def asymmetry(fitted: Sequence[Picture], scored: Sequence[Picture]) -> list[Row]:
    """Skews that are found on some pictures, by a factor that was fitted on others."""
    rows: list[Row] = []
    for noise in (0.0, 4.0):
        truths = [skew_of(_kernel(tail)[1]) for tail in TAILS]
        known = [_found(fitted, tail, noise)[0] for tail in TAILS]
        pairs = [
            (value, truth) for values, truth in zip(known, truths, strict=True) for value in values
        ]
        raw, true = np.array(pairs).T
        factor = float(raw @ true / (raw @ raw))
        for tail, truth in zip(TAILS, truths, strict=True):
            along, across = (factor * values for values in _found(scored, tail, noise))
            rows.append(
                {
                    "section": "asymmetry",
                    "condition": f"noise {noise:g}",
                    "groups": len(along),
                    "photographs": PHOTOGRAPHS,
                    "true skew": round(truth, 3) + 0.0,
                    "found": round(float(along.mean()), 3),
                    "error": round(_root_mean_square(along - truth), 3),
                    "error where there is none": round(_root_mean_square(across), 3),
                }
            )
    return rows


def skew_of(line: Array) -> float:
    """Third moment of a line spread, standardised."""
    places = np.arange(len(line)) - line @ np.arange(len(line))
    return float(line @ places**3 / (line @ places**2) ** 1.5)


def _kernel(tail: float) -> tuple[Array, Array]:
    """(SIZE, SIZE), a Gaussian with a tail to one side along columns, and its line spread."""
    centre = target_centre(SIZE, 2)
    fine = (np.arange(SIZE * FINER) + 0.5) / FINER - 0.5 - centre
    drawn = np.exp(-np.square(fine / SIGMA) / 2)
    if tail:
        drawn = np.convolve(drawn, np.exp(-np.arange(0, 12 * tail, 1 / FINER) / tail))[: len(fine)]
    line = drawn.reshape(SIZE, FINER).sum(1)
    away = centre - line @ np.arange(SIZE) / line.sum()
    turned = np.fft.fft(line) * np.exp(-2j * np.pi * np.fft.fftfreq(SIZE) * away)
    line = np.fft.ifft(turned).real
    other = np.exp(-np.square((np.arange(SIZE) - centre) / SIGMA) / 2)
    return np.outer(other / other.sum(), line / line.sum()), line / line.sum()


def _found(available: Sequence[Picture], tail: float, noise: float) -> tuple[Array, Array]:
    """(groups,) each: skew along the tail and across it, before the factor."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(available))
    kernel, _ = _kernel(tail)
    per_skew = _of_ideal_steps()
    found = []
    for start in range(0, len(order) - PHOTOGRAPHS + 1, PHOTOGRAPHS):
        group = [available[place] for place in order[start : start + PHOTOGRAPHS]]
        taken = [_taken(grey(one.image), kernel, noise, rng) for one in group]
        middles = [
            np.median([_odd(turned(one)) for one in taken], 0) for turned in (_same, np.transpose)
        ]
        found.append([float(middle @ per_skew / (per_skew @ per_skew)) for middle in middles])
    along, across = np.array(found).T
    return along, across


def _same(image: Array) -> Array:
    return image


def _taken(luma: Array, kernel: Array, noise: float, rng: np.random.Generator) -> Array:
    turned = np.ascontiguousarray(kernel[::-1, ::-1])
    low = cv2.filter2D(luma, -1, turned, borderType=cv2.BORDER_REFLECT)[::2, ::2]
    return np.asarray(np.rint(low + noise * rng.normal(size=low.shape)))


def _odd(image: Array) -> Array:
    """(STEPS,): D along columns, of means over three rows, which lessens noise."""
    g = cv2.blur(np.diff(np.ascontiguousarray(image), axis=1), (1, 3))
    found = [(g[:, :-t] ** 3 * g[:, t:] - g[:, :-t] * g[:, t:] ** 3).sum() for t in STEPS]
    return np.asarray(np.array(found) / (g**4).sum())


def _of_ideal_steps() -> Array:
    """(STEPS,): D of steps at both places on the grid, over the skew that makes it."""
    kernel, line = _kernel(1.5)
    step = np.zeros((40, 130))
    step[:, 64:] = 100
    rng = np.random.default_rng(0)
    found = [_odd(_taken(np.roll(step, place)[:, 8:-8], kernel, 0.0, rng)) for place in (0, 1)]
    return np.asarray(np.mean(found, 0) / skew_of(line))


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.square(values).mean()))

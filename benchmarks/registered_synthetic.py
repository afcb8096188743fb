"""Pairs with a known kernel, to see how well `benchmarks.registered_pairs` finds it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.signal import resample

from pairmill.models.registration.grid import Array, Grid, shifts_at
from pairmill.models.registration.register import Pair
from pairmill.models.registration.warp import blurred

PAD = 32


def unknown_field(grid: Grid, rng: np.random.Generator, bend: float = 0.15) -> Array:
    """Shift, scale, rotation and bends, about a pixel together: (2, 2 h, 2 w), in HR pixels.

    Half of the bends are finer than the nodes that registration has.
    """
    shape = (2 * grid.shape[0], 2 * grid.shape[1])
    place = np.mgrid[: shape[0], : shape[1]] / max(shape) - 0.5
    affine = rng.uniform(-0.8, 0.8, (2, 1, 1)) + np.tensordot(rng.normal(0, 0.5, (2, 2)), place, 1)
    fine = Grid(grid.shape, grid.side // 2)
    for nodes in (grid, fine):
        affine = affine + shifts_at(nodes, rng.normal(0, bend / 2, nodes.flat().shape), on_hr=True)
    return np.asarray(affine)


def moved(hr: Array, shifts: Array) -> Array:
    """HR at each pixel plus a shift, by the discrete Fourier transform and splines on a grid twice
    as fine: not the way of the registration.
    """
    padded = np.pad(hr, PAD, mode="reflect")
    fine = resample(resample(padded, 2 * padded.shape[0], axis=0), 2 * padded.shape[1], axis=1)
    places = np.mgrid[: hr.shape[0], : hr.shape[1]] + shifts + PAD
    return np.asarray(map_coordinates(fine, 2 * places, order=5, mode="mirror"))


def synthetic_pair(
    pair: Pair,
    kernel: Array,
    rng: np.random.Generator,
    *,
    bend: float = 0.15,
    lr_noise: float = 1.0,
    hr_noise: float = 1.5,
    misfit: float = 0.0,
) -> Pair:
    """The pair with another LR: made from its HR with a known kernel.

    Args:
        pair: gives HR.
        kernel: (17, 17), on the HR grid.
        rng: of all that is unknown.
        bend: standard deviation of the field's bends, in HR pixels.
        lr_noise: standard deviation, in intensity levels.
        hr_noise: what is added to HR afterwards.
        misfit: what no kernel explains, as a share of the gradient (per HR pixel): aliases,
            denoising, tone curves. Real pairs have 0.3.
    """
    shape = (pair.hr.shape[0] // 2, pair.hr.shape[1] // 2)
    high = blurred(moved(pair.hr, unknown_field(Grid(shape), rng, bend)), kernel)
    lr, slope = high[::2, ::2], np.hypot(*np.gradient(high))[::2, ::2]
    light = gaussian_filter(rng.normal(size=shape), 40)
    light *= 0.03 / max(float(light.std()), 1e-9)
    structure = gaussian_filter(rng.normal(size=shape), 0.7)
    lr = lr * (rng.uniform(0.95, 1.05) + light) + rng.uniform(-4, 4)
    lr += lr_noise * rng.normal(size=shape) + misfit * slope * structure / structure.std()
    hr = pair.hr + hr_noise * rng.normal(size=pair.hr.shape)
    return Pair(pair.name, _eight_bits(hr), _eight_bits(lr))


def synthetic_pairs(
    pairs: Sequence[Pair], kernel: Array, seed: int = 0, *, misfit: float = 0.3
) -> list[Pair]:
    """All pairs with LR images made with one kernel."""
    rng = np.random.default_rng(seed)
    return [synthetic_pair(pair, kernel, rng, misfit=misfit) for pair in pairs]


def scene(side: int, rng: np.random.Generator) -> Array:
    """Discs, bars and texture, (side, side), in intensity levels: something to register."""
    canvas = np.full((side, side), 120.0)
    for _ in range(side // 2):
        centre = tuple(int(x) for x in rng.integers(0, side, 2))
        colour = float(rng.uniform(40, 210))
        if rng.random() < 0.5:
            cv2.circle(canvas, centre, int(rng.integers(3, 14)), colour, -1, cv2.LINE_AA)
        else:
            end = tuple(int(x) for x in rng.integers(0, side, 2))
            cv2.line(canvas, centre, end, colour, int(rng.integers(1, 5)), cv2.LINE_AA)
    smooth = gaussian_filter(canvas, 0.6) + 6 * gaussian_filter(rng.normal(size=canvas.shape), 0.8)
    return np.asarray(np.clip(smooth, 5, 250))


def _eight_bits(image: Array) -> Array:
    return np.asarray(np.clip(np.round(image), 0, 255))

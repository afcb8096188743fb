"""Registration of an HR image and an LR image of one scene, locally and to sub-pixels.

The model of a pair, with the blur in it, so that the blur does not bias the shifts:

    LR[i] = gain * sum_u k[u] HR'[s i + u - size // 2] + offset,    HR'(x) = HR(x + d(x))

d is one smooth field of cubic B-splines: what is affine in it (shift, scale, rotation) is free,
what bends costs, as a stated standard deviation says. Gain and offset are constant per block. All
is found by Gauss-Newton over the whole image, so that blocks without texture borrow from their
neighbours; what a block would like to move beyond the field tells whether it registers at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.registration.grid import Array, Grid, roughness, shifts_at
from pairmill.models.registration.warp import blurred, coefficients_of, slopes, warp

Mask = NDArray[np.bool_]

MARGIN = 8
"""LR pixels at the borders that nothing is measured on: their blur reaches outside the HR."""
BENDS = (0.002, 0.02, 0.1)
"""Stages of a first registration: standard deviation of the field's second differences from one
node to the next, in half LR pixels. The first is in effect affine."""
GAIN_SPREAD = 0.05
"""Standard deviation of a block's gain about 1: holds it where a block is flat."""
BLOCK, MOST_BLOCKS = 24, 400
"""Side of a block in LR pixels, and how many there are at most: larger images get larger blocks."""


class Limits(NamedTuple):
    """What a block must meet to be measured on."""

    shift_error: float = 0.06
    """Standard error of the block's own shift, in half LR pixels: above, it is flat or has edges of
    one direction only."""
    shift: float = 0.15
    """Shift beyond the field, in half LR pixels: above, it is parallax or something that moved."""
    residual: float = 2.5
    """Residual over what its gradients let expect, as a multiple of the median over all blocks."""


@dataclass(frozen=True)
class Pair:
    """Luminance of one scene, in intensity levels."""

    name: str
    hr: Array
    """(s h, s w)."""
    lr: Array
    """(h, w)."""

    @property
    def scale(self) -> int:
        """HR side over LR side."""
        return int(self.hr.shape[0] // self.lr.shape[0])

    def grid(self, side: int | None = None) -> Grid:
        """Blocks of a given side in LR pixels; of the usual one without a word."""
        height, width = self.lr.shape
        side = side or max(BLOCK, math.ceil(math.sqrt(height * width / MOST_BLOCKS)))
        return Grid((height, width), side, self.scale)


@dataclass(frozen=True)
class Registered:
    """A pair with its field, and what is known of its blocks."""

    pair: Pair
    grid: Grid
    field: Array
    """(2, nodes, nodes): shifts (rows, columns) of the B-splines, in HR pixels."""
    gain: Array
    """Per block."""
    offset: Array
    """Per block, in intensity levels."""
    residual: Array
    """Root mean square per block, in intensity levels."""
    strain: Array
    """Residual over the root mean square of the gradient, per block: the shift, in HR pixels, that
    would leave as much."""
    own_shift: Array
    """(2, rows, columns): shift beyond the field that suits the block alone, in HR pixels."""
    own_error: Array
    """Standard error of it, the larger axis."""
    usable: Mask
    """LR pixels away from the borders and from what is clipped."""
    accepted: Mask
    """Blocks to measure on."""

    @property
    def weights(self) -> Mask:
        """LR pixels to measure on."""
        return self.usable & self.grid.spread(self.accepted)

    def textured(self, limits: Limits = Limits()) -> Mask:  # noqa: B008
        """Blocks with texture enough to tell where they are."""
        return self.own_error < limits.shift_error * self.pair.scale / 2

    def shifts(self) -> Array:
        """The field at each pixel of HR, (2, s h, s w)."""
        return shifts_at(self.grid, self.field, on_hr=True)

    def moved(self, centre: tuple[float, float]) -> Registered:
        """The same with another shift of all, in HR pixels."""
        return replace(self, field=self.field + np.array(centre)[:, None, None])

    def warped(self) -> Array:
        """HR as LR's camera saw it before the blur: HR(x + d(x))."""
        return warp(coefficients_of(self.pair.hr), self.shifts())

    def matched(self, lr_like: Array) -> Array:
        """Something on LR's grid made from HR, with LR's brightness."""
        gain, offset = self.grid.spread(self.gain), self.grid.spread(self.offset)
        return np.asarray(gain * lr_like + offset)


def usable_pixels(pair: Pair) -> Mask:
    """LR pixels away from the borders whose HR around them is not clipped."""
    clipped = ((pair.hr <= 1) | (pair.hr >= 254)).astype(np.float64)
    scale, around = pair.scale, 4 * pair.scale + 1
    share = cv2.blur(clipped, (around, around))[::scale, ::scale]
    mask = (share < 0.02) & (pair.lr > 1) & (pair.lr < 254)
    inner = np.zeros_like(mask)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    return np.asarray(mask & inner)


def coarse_shift(pair: Pair, kernel: Array) -> tuple[float, float]:
    """One shift for the whole image, in HR pixels (rows, columns), by phase correlation."""
    window = cv2.createHanningWindow(pair.lr.shape[::-1], cv2.CV_64F)
    model = blurred(pair.hr, kernel)[:: pair.scale, :: pair.scale]
    (x, y), _ = cv2.phaseCorrelate(pair.lr - pair.lr.mean(), model - model.mean(), window)
    return pair.scale * y, pair.scale * x


def register(
    pair: Pair,
    kernel: Array,
    start: Registered | None = None,
    *,
    field: Array | None = None,
    seen: Mask | None = None,
    grid: Grid | None = None,
    bends: tuple[float, ...] = BENDS,
    steps: int = 4,
    limits: Limits = Limits(),  # noqa: B008
) -> Registered:
    """Find field, gains and offsets, and the blocks that register.

    Args:
        pair: HR and LR of one scene, at most some pixels apart.
        kernel: (k, k) correlation kernel on the HR grid, sum 1, centred for the scale: as well as
            it is known.
        start: an earlier registration to go on from; then `bends` of one stage are enough.
        field: where to begin without an earlier one; by default one shift of all, by phase
            correlation.
        seen: (h, w), LR pixels that HR shows, if not all.
        grid: blocks and nodes; by default those of `Pair.grid`.
        bends: stages, see `BENDS`.
        steps: of Gauss-Newton per stage.
        limits: what an accepted block meets.
    """
    if start is None:
        grid = grid or pair.grid()
        if field is None:
            field = grid.flat() + np.array(coarse_shift(pair, kernel))[:, None, None]
        accepted = np.ones(grid.counts, bool)
        usable = usable_pixels(pair) & (True if seen is None else seen)
    else:
        grid, field, accepted, usable = start.grid, start.field, start.accepted, start.usable
    coefficients = coefficients_of(pair.hr)
    for bend in bends:
        for _ in range(steps):
            state = _compare(pair, kernel, coefficients, grid, field, usable, accepted)
            field = field + state.step(bend * pair.scale / 2)
    state = _compare(pair, kernel, coefficients, grid, field, usable, accepted)
    return state.judged(limits)


@dataclass(frozen=True)
class _State:
    """Where a registration stands: residuals and gradients on LR's grid."""

    pair: Pair
    grid: Grid
    field: Array
    gain: Array
    offset: Array
    residual: Array
    gradient: Array
    """(2, h, w): of the model along rows and columns, per HR pixel."""
    usable: Mask
    accepted: Mask

    def step(self, bend: float) -> Array:
        """What to add to the field."""
        weights = self.usable & self.grid.spread(self.accepted)
        variance = float((self.residual[weights] ** 2).mean())
        rows, columns = self.grid.splines(on_hr=False)
        shape = self.field.shape[1:]
        size = shape[0] * shape[1]
        penalty = roughness(shape) / bend**2
        matrix, right = np.zeros((2, size, 2, size)), np.zeros((2, size))
        for a in range(2):
            pull = weights * self.gradient[a] * self.residual / variance
            right[a] = (rows.T @ pull @ columns).ravel() - penalty @ self.field[a].ravel()
            for b in range(2):
                products = weights * self.gradient[a] * self.gradient[b] / variance
                matrix[a, :, b] = _between(rows, columns, products)
            matrix[a, :, a] += penalty + 1e-6 * np.eye(size)
        found = np.linalg.solve(matrix.reshape(2 * size, 2 * size), right.ravel())
        return found.reshape(self.field.shape)

    def judged(self, limits: Limits) -> Registered:
        """Figures of the blocks, and which are accepted."""
        sums, usable = self.grid.sums, self.usable.astype(np.float64)
        pixels = np.maximum(sums(usable), 1.0)
        power = sums(usable * self.residual**2) / pixels
        (rr, rc), (_, cc) = ([sums(usable * a * b) for b in self.gradient] for a in self.gradient)
        pull = np.stack([sums(usable * axis * self.residual) for axis in self.gradient])
        determinant = np.maximum(rr * cc - rc * rc, 1e-9)
        own = np.stack([cc * pull[0] - rc * pull[1], rr * pull[1] - rc * pull[0]]) / determinant
        # A gradient of noise and rounding alone must not look like one that would fix the shift.
        error = np.sqrt(np.maximum(power, 0.25) * np.maximum(rr, cc) / determinant)
        strain = np.sqrt(power / np.maximum((rr + cc) / pixels, 1e-9))
        whole = pixels > 0.5 * sums(np.ones_like(usable))
        unit = self.pair.scale / 2
        textured = whole & (error < limits.shift_error * unit)
        typical = float(np.median(strain[textured])) if textured.any() else np.inf
        fits = (np.hypot(*own) < limits.shift * unit) & (strain < limits.residual * typical)
        return Registered(
            self.pair,
            self.grid,
            self.field,
            self.gain,
            self.offset,
            np.sqrt(power),
            strain,
            own,
            np.where(whole, error, np.inf),
            self.usable,
            textured & fits,
        )


def _compare(
    pair: Pair,
    kernel: Array,
    coefficients: Array,
    grid: Grid,
    field: Array,
    usable: Mask,
    accepted: Mask,
) -> _State:
    high = blurred(warp(coefficients, shifts_at(grid, field, on_hr=True)), kernel)
    scale = pair.scale
    model = high[::scale, ::scale]
    gain, offset = _brightness(pair.lr, model, grid, usable)
    large = grid.spread(gain)
    residual = pair.lr - large * model - grid.spread(offset)
    gradient = np.stack([axis[::scale, ::scale] * large for axis in slopes(high)])
    return _State(pair, grid, field, gain, offset, residual, gradient, usable, accepted)


def _brightness(lr: Array, model: Array, grid: Grid, usable: Mask) -> tuple[Array, Array]:
    """Gain and offset of each block, the gain held near 1 where there is nothing to see."""
    mask = usable.astype(np.float64)
    pixels = np.maximum(grid.sums(mask), 1.0)
    mean_lr, mean_model = grid.sums(mask * lr) / pixels, grid.sums(mask * model) / pixels
    mixed = grid.sums(mask * lr * model) - pixels * mean_lr * mean_model
    power = grid.sums(mask * model**2) - pixels * mean_model**2
    hold = 4.0 / GAIN_SPREAD**2
    gain = (mixed + hold) / (power + hold)
    return gain, mean_lr - gain * mean_model


def _between(rows: Array, columns: Array, values: Array) -> Array:
    """Sum over pixels of value * spline * spline, for all pairs of nodes: (nodes, nodes)."""
    tall = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
    wide = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
    n, m = rows.shape[1], columns.shape[1]
    products = (tall.T @ values @ wide).reshape(n, n, m, m)
    return products.transpose(0, 2, 1, 3).reshape(n * m, n * m)

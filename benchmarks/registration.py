"""Registration of an HR image and an LR image of one scene, locally and to sub-pixels.

The model of a pair, with the blur in it, so that the blur does not bias the shifts:

    LR[i] = gain * sum_u k[u] HR'[2 i + u - 8] + offset,    HR'(x) = HR(x + d(x))

d is one smooth field of cubic B-splines: what is affine in it (shift, scale, rotation) is free,
what bends costs, as a stated standard deviation says. Gain and offset are constant per block. All
is found by Gauss-Newton over the whole image, so that blocks without texture borrow from their
neighbours; what a block would like to move beyond the field tells whether it registers at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates, spline_filter

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

MARGIN = 8
"""LR pixels at the borders that nothing is measured on: their blur reaches outside the HR."""
BENDS = (0.002, 0.02, 0.1)
"""Stages of a first registration: standard deviation of the field's second differences from one
node to the next, in HR pixels. The first is in effect affine."""
GAIN_SPREAD = 0.05
"""Standard deviation of a block's gain about 1: holds it where a block is flat."""
ORDER: Final = 5
"""Of the splines that HR is interpolated with: nearly no loss up to 0.4 cycles per pixel."""


class Limits(NamedTuple):
    """What a block must meet to be measured on."""

    shift_error: float = 0.06
    """Standard error of the block's own shift, in HR pixels: above, it is flat or has edges of one
    direction only."""
    shift: float = 0.15
    """Shift beyond the field, in HR pixels: above, it is parallax or something that moved."""
    residual: float = 2.5
    """Residual over what its gradients let expect, as a multiple of the median over all blocks."""


@dataclass(frozen=True)
class Pair:
    """Luminance of one scene, in intensity levels."""

    name: str
    hr: Array
    """(2 h, 2 w)."""
    lr: Array
    """(h, w)."""


@dataclass(frozen=True)
class Grid:
    """Blocks and nodes of an LR size, `side` pixels apart or a little more."""

    shape: tuple[int, int]
    side: int = 24

    @property
    def counts(self) -> tuple[int, int]:
        """Blocks along rows and columns."""
        rows, columns = (max(length // self.side, 1) for length in self.shape)
        return rows, columns

    @property
    def edges(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where blocks begin, and the ends."""
        rows, columns = (
            np.linspace(0, length, count + 1).round().astype(np.intp)
            for length, count in zip(self.shape, self.counts, strict=True)
        )
        return rows, columns

    def sums(self, values: Array) -> Array:
        """Sums over the blocks of an LR-sized array."""
        rows, columns = self.edges
        total: Array = np.add.reduceat(np.add.reduceat(values, rows[:-1], 0), columns[:-1], 1)
        return total

    def spread(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """Values of blocks at each LR pixel."""
        rows, columns = self.edges
        return np.repeat(np.repeat(values, np.diff(rows), 0), np.diff(columns), 1)

    def splines(self, *, on_hr: bool) -> tuple[Array, Array]:
        """Values of the cubic B-splines at all rows and columns of LR or HR, (length, nodes)."""
        factor = 2 if on_hr else 1
        rows, columns = (
            _splines((np.arange(length * factor) - (factor - 1) / 2) / factor, length, count)
            for length, count in zip(self.shape, self.counts, strict=True)
        )
        return rows, columns

    def flat(self) -> Array:
        """A field of no shift."""
        rows, columns = self.counts
        return np.zeros((2, rows + 3, columns + 3))


def _splines(positions: Array, length: int, count: int) -> Array:
    step = length / count
    knots = (np.arange(count + 7) - 3) * step - 0.5
    return np.asarray(BSpline.design_matrix(positions, knots, 3).toarray())


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

    def shifts(self) -> Array:
        """The field at each pixel of HR, (2, 2 h, 2 w)."""
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


def shifts_at(grid: Grid, field: Array, *, on_hr: bool) -> Array:
    """A field at each pixel, (2, height, width), in HR pixels."""
    rows, columns = grid.splines(on_hr=on_hr)
    return np.stack([rows @ axis @ columns.T for axis in field])


def coefficients_of(image: Array) -> Array:
    """Of the splines that interpolate an image."""
    return np.asarray(spline_filter(image, ORDER, mode="mirror"))


def warp(coefficients: Array, shifts: Array) -> Array:
    """An image, given by its spline coefficients, at each pixel plus a shift."""
    places = np.mgrid[: shifts.shape[1], : shifts.shape[2]] + shifts
    return np.asarray(
        map_coordinates(coefficients, places, order=ORDER, mode="mirror", prefilter=False)
    )


def blurred(hr: Array, kernel: Array) -> Array:
    """Correlation with a kernel at each pixel of HR; `[::2, ::2]` is LR."""
    return np.asarray(cv2.filter2D(hr, -1, kernel, borderType=cv2.BORDER_REFLECT))


def slopes(image: Array) -> tuple[Array, Array]:
    """Central differences along rows and columns, per pixel."""
    return np.asarray(np.gradient(image, axis=0)), np.asarray(np.gradient(image, axis=1))


def usable_pixels(pair: Pair) -> Mask:
    """LR pixels away from the borders whose HR (9 x 9) is not clipped."""
    clipped = ((pair.hr <= 1) | (pair.hr >= 254)).astype(np.float64)
    share = cv2.blur(clipped, (9, 9))[::2, ::2]
    mask = (share < 0.02) & (pair.lr > 1) & (pair.lr < 254)
    inner = np.zeros_like(mask)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    return np.asarray(mask & inner)


def coarse_shift(pair: Pair, kernel: Array) -> tuple[float, float]:
    """One shift for the whole image, in HR pixels (rows, columns), by phase correlation."""
    window = cv2.createHanningWindow(pair.lr.shape[::-1], cv2.CV_64F)
    model = blurred(pair.hr, kernel)[::2, ::2]
    (x, y), _ = cv2.phaseCorrelate(pair.lr - pair.lr.mean(), model - model.mean(), window)
    return 2 * y, 2 * x


def register(
    pair: Pair,
    kernel: Array,
    start: Registered | None = None,
    *,
    grid: Grid | None = None,
    bends: tuple[float, ...] = BENDS,
    steps: int = 4,
    limits: Limits = Limits(),  # noqa: B008
) -> Registered:
    """Find field, gains and offsets, and the blocks that register.

    Args:
        pair: HR and LR of one scene, at most some pixels apart.
        kernel: (17, 17) correlation kernel on the HR grid, sum 1: as well as it is known.
        start: an earlier registration to go on from; then `bends` of one stage are enough.
        grid: blocks and nodes; by default about 24 LR pixels apart.
        bends: stages, see `BENDS`.
        steps: of Gauss-Newton per stage.
        limits: what an accepted block meets.
    """
    if start is None:
        grid = grid or Grid((pair.lr.shape[0], pair.lr.shape[1]))
        field = grid.flat() + np.array(coarse_shift(pair, kernel))[:, None, None]
        accepted = np.ones(grid.counts, bool)
        usable = usable_pixels(pair)
    else:
        grid, field, accepted, usable = start.grid, start.field, start.accepted, start.usable
    coefficients = coefficients_of(pair.hr)
    for bend in bends:
        for _ in range(steps):
            state = _compare(pair, kernel, coefficients, grid, field, usable, accepted)
            field = field + state.step(bend)
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
        textured = whole & (error < limits.shift_error)
        typical = float(np.median(strain[textured])) if textured.any() else np.inf
        fits = (np.hypot(*own) < limits.shift) & (strain < limits.residual * typical)
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
    model = high[::2, ::2]
    gain, offset = _brightness(pair.lr, model, grid, usable)
    large = grid.spread(gain)
    residual = pair.lr - large * model - grid.spread(offset)
    gradient = np.stack([axis[::2, ::2] * large for axis in slopes(high)])
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


def roughness(shape: tuple[int, ...]) -> Array:
    """Sum of squared second differences of the nodes, as a matrix: nothing affine costs."""
    identity = [np.eye(length) for length in shape]
    first = [np.diff(matrix, axis=0) for matrix in identity]
    second = [np.diff(matrix, 2, axis=0) for matrix in identity]
    parts = [np.kron(second[0], identity[1]), np.kron(identity[0], second[1])]
    mixed = np.sqrt(2) * np.kron(first[0], first[1])
    matrix: Array = sum((part.T @ part for part in parts), mixed.T @ mixed)
    return matrix

"""The one blur kernel of many registered pairs, by least squares: free in form, and of given forms;
registration and kernel in turns.

All that the pairs say about a kernel k is a quadratic form, k' M k - 2 k' v + c, summed over
pixels: it is collected once per pair, and added up over all pairs or half of them. The offset of
each block is projected out of it. Noise in HR makes M too large and k too small (errors in
variables); its expectation, noise variance times pixels, is subtracted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import shift as spline_shift
from scipy.optimize import minimize

from benchmarks.registration import (
    BENDS,
    Array,
    Grid,
    Limits,
    Pair,
    Registered,
    register,
    roughness,
)
from pairmill.models.functional.kernels import gaussian, normalise, offset, target_centre

SIZE = 17
CENTRE = target_centre(SIZE, 2)
SMOOTHNESS = 0.003
"""Weight of the kernel's squared second differences, as a share of the mean power of HR about its
block's mean. HR has next to nothing at its highest frequencies, so that the pairs say little about
the kernel there. Halves of the pairs predict each other equally well between 0.001 and 0.03; more
than 0.003 widens narrow kernels (see `registered_pairs --synthetic`)."""
START = 1.5
"""Standard deviation of the Gaussian that registration begins with, in HR pixels."""
FEWEST_BLOCKS = 10
"""A pair with fewer accepted blocks is left out."""
LEAST_SHARE = 0.4
"""And one where less than this share of the blocks with texture is accepted."""
SETTLED = 0.003
"""Relative change of the kernel from one round to the next at which to stop."""


@dataclass(frozen=True)
class Equations:
    """Sum of squared residuals as a function of the kernel, in squared intensity levels."""

    matrix: Array
    """(289, 289)."""
    vector: Array
    """(289,)."""
    constant: float
    noise: float
    """Sum of squared gains: how much HR noise of variance 1 adds to the diagonal."""
    pixels: int
    """LR pixels."""

    def __add__(self, other: Equations) -> Equations:
        return Equations(
            self.matrix + other.matrix,
            self.vector + other.vector,
            self.constant + other.constant,
            self.noise + other.noise,
            self.pixels + other.pixels,
        )

    def cost(self, kernel: Array) -> float:
        """Mean squared residual of a kernel at its best brightness."""
        k = kernel.ravel()
        power, match = float(k @ self.matrix @ k), float(k @ self.vector)
        return (self.constant - match**2 / power) / self.pixels


def equations(registered: Registered, *, unit_gain: bool = False) -> Equations:
    """What the accepted blocks of one pair say about the kernel.

    Args:
        registered: the pair.
        unit_gain: take contrast as it is, for `solve_forced`; otherwise each block has its gain.
    """
    warped, grid, weights = registered.warped(), registered.grid, registered.weights
    half = SIZE // 2
    windows = sliding_window_view(np.pad(warped, half, mode="reflect"), (SIZE, SIZE))[::2, ::2]
    total = _nothing()
    rows, columns = grid.edges
    for r, c in np.argwhere(registered.accepted):
        block = np.s_[rows[r] : rows[r + 1], columns[c] : columns[c + 1]]
        mask, gain = weights[block], 1.0 if unit_gain else float(registered.gain[r, c])
        design = windows[block][mask].reshape(-1, SIZE * SIZE) * gain
        target = registered.pair.lr[block][mask]
        design, target = design - design.mean(0), target - target.mean()
        total = total + Equations(
            design.T @ design,
            design.T @ target,
            float(target @ target),
            float(gain**2 * (len(target) - 1)),
            len(target),
        )
    return total


def _nothing() -> Equations:
    return Equations(np.zeros((SIZE**2, SIZE**2)), np.zeros(SIZE**2), 0.0, 0.0, 0)


def together(parts: Iterable[Equations]) -> Equations:
    """Their sum."""
    return sum(parts, _nothing())


def solve(said: Equations, *, smoothness: float = SMOOTHNESS, noise: float = 0.0) -> Array:
    """The free-form kernel, (17, 17), sum 1; its centre is where the registration put it.

    Args:
        said: over as many pairs as share the kernel.
        smoothness: see `SMOOTHNESS`.
        noise: standard deviation of the noise of HR, in intensity levels.
    """
    size = len(said.vector)
    power = float(np.trace(said.matrix)) / size
    matrix = said.matrix + smoothness * power * roughness((SIZE, SIZE))
    matrix -= noise**2 * said.noise * np.eye(size)
    found = np.asarray(np.linalg.solve(matrix, said.vector), np.float64)
    return normalise(found.reshape(SIZE, SIZE))


def solve_forced(said: Equations, *, smoothness: float = SMOOTHNESS) -> Array:
    """The free-form kernel under the condition that it sums to 1, from equations of unit gain.

    Gains of blocks leave the kernel's amplitude at middle frequencies, relative to none, to the
    form of the kernel. Where HR and LR have the same brightness this takes it from contrast itself,
    at the price of what differs in their tone curves.
    """
    power, ones = float(np.trace(said.matrix)) / len(said.vector), np.ones_like(said.vector)
    matrix = said.matrix + smoothness * power * roughness((SIZE, SIZE))
    free, push = np.linalg.solve(matrix, np.stack([said.vector, ones], 1)).T
    found = np.asarray(free + push * (1 - free.sum()) / push.sum(), np.float64)
    return found.reshape(SIZE, SIZE)


def best_gaussian(said: Equations) -> Array:
    """The Gaussian, of any direction, that leaves least."""
    return _best(said, lambda p: gaussian(SIZE, _moments(p), CENTRE), [1.5, 0.0, 1.5])


def best_sharpened(said: Equations) -> Array:
    """The Gaussian with sharpening lobes that leaves least: (1 + a) G - a (G widened)."""

    def form(p: Array) -> Array:
        moments, amount, widening = _moments(p[:3]), p[3] ** 2, 1.1 + p[4] ** 2
        narrow = gaussian(SIZE, moments, CENTRE)
        wide = gaussian(SIZE, moments * widening**2, CENTRE)
        return np.asarray((1 + amount) * narrow - amount * wide)

    return _best(said, form, [1.5, 0.0, 1.5, 0.5, 1.0])


def _moments(root: Array) -> Array:
    """Second moments from the entries of their Cholesky factor."""
    factor = np.array([[root[0], 0.0], [root[1], root[2]]])
    return np.asarray(factor @ factor.T + 0.05 * np.eye(2))


def _best(said: Equations, form: Callable[[Array], Array], start: list[float]) -> Array:
    def cost(parameters: Array) -> float:
        return said.cost(form(parameters))

    found = minimize(
        cost,
        np.array(start),
        method="Nelder-Mead",
        tol=1e-6,
    )
    return form(found.x)


def relative_error(estimate: Array, truth: Array) -> float:
    """|estimate - truth| / |truth| in L2."""
    return float(np.linalg.norm(estimate - truth) / np.linalg.norm(truth))


@dataclass(frozen=True)
class Measured:
    """The kernel, and what it was measured on."""

    kernel: Array
    """(17, 17), free in form, sum 1."""
    registered: list[Registered]
    """Pairs that were kept, in order."""
    said: list[Equations]
    """One per kept pair."""
    left_out: list[Registered]
    """Pairs that do not register."""
    changes: list[float]
    """Relative change of the kernel, round by round."""


def registers(registered: Registered, limits: Limits = Limits()) -> bool:  # noqa: B008
    """Whether enough of a pair registers to measure on it."""
    textured = int((registered.own_error < limits.shift_error).sum())
    accepted = int(registered.accepted.sum())
    return accepted >= max(FEWEST_BLOCKS, LEAST_SHARE * textured)


def measure(
    pairs: Sequence[Pair], *, rounds: int = 6, noise: float = 0.0, side: int = 24
) -> Measured:
    """Register all pairs and solve for their one kernel, in turns.

    Args:
        pairs: at most some pixels apart, of one camera.
        rounds: at most.
        noise: standard deviation of HR's noise, in intensity levels.
        side: of blocks, in LR pixels.

    Raises:
        ValueError: if no pair registers.
    """
    kernel, changes = gaussian(SIZE, START**2 * np.eye(2), CENTRE), []
    found = [
        register(pair, kernel, grid=Grid((pair.lr.shape[0], pair.lr.shape[1]), side))
        for pair in pairs
    ]
    for number in range(rounds):
        if number:
            found = [register(one.pair, kernel, one, bends=BENDS[-1:], steps=2) for one in found]
        kept = [one for one in found if registers(one)]
        if not kept:
            raise ValueError(f"none of {len(found)} pairs registers")
        said = [equations(one) for one in kept]
        solved = solve(together(said), noise=noise)
        changes.append(relative_error(kernel, solved))
        # What is off centre in the kernel is a shift of all fields: both move, by opposite amounts.
        off = offset(solved, 2)
        kernel = normalise(spline_shift(solved, (-off[0], -off[1]), order=3, mode="grid-constant"))
        found = [one.moved(off) for one in found]
        if changes[-1] < SETTLED:
            break
    left_out = [one for one in found if not registers(one)]
    return Measured(kernel, kept, said, left_out, changes)

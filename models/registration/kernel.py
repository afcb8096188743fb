"""The blur kernel of registered pairs by least squares, free in form; registration and kernel in
turns.

All that pairs say about a kernel k is a quadratic form, k' M k - 2 k' v + c, summed over pixels: it
is collected once per pair, and added up over all pairs or half of them. The offset of each block is
projected out of it. Noise in HR makes M too large and k too small (errors in variables); its
expectation, noise variance times pixels, is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import shift as spline_shift

from pairmill.models.functional.kernels import SIZES, gaussian, normalise, offset, target_centre
from pairmill.models.registration.grid import Array, roughness
from pairmill.models.registration.register import BENDS, Limits, Pair, Registered, register

SMOOTHNESS = 0.003
"""Weight of the kernel's squared second differences, as a share of the mean power of HR about its
block's mean. HR has next to nothing at its highest frequencies, so that the pairs say little about
the kernel there. Halves of the pairs predict each other equally well between 0.001 and 0.03; more
than 0.003 widens narrow kernels (see `benchmarks/registered_pairs.py --synthetic`)."""
START = 0.75
"""Standard deviation of the Gaussian that registration begins with, in LR pixels."""
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
    """(n, n), for a kernel of n cells, row by row."""
    vector: Array
    """(n,)."""
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
    scale = registered.pair.scale
    size = SIZES[scale]
    padded = np.pad(warped, size // 2, mode="reflect")
    windows = sliding_window_view(padded, (size, size))[::scale, ::scale]
    total = _nothing(size)
    rows, columns = grid.edges
    for r, c in np.argwhere(registered.accepted):
        block = np.s_[rows[r] : rows[r + 1], columns[c] : columns[c + 1]]
        mask, gain = weights[block], 1.0 if unit_gain else float(registered.gain[r, c])
        design = windows[block][mask].reshape(-1, size * size) * gain
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


def _nothing(size: int) -> Equations:
    return Equations(np.zeros((size**2, size**2)), np.zeros(size**2), 0.0, 0.0, 0)


def together(parts: Iterable[Equations]) -> Equations:
    """The sum of one or more."""
    first, *others = parts
    return sum(others, first)


def solve(said: Equations, *, smoothness: float = SMOOTHNESS, noise: float = 0.0) -> Array:
    """The free-form kernel, (k, k), sum 1; its centre is where the registration put it.

    Args:
        said: over as many pairs as share the kernel.
        smoothness: see `SMOOTHNESS`.
        noise: standard deviation of the noise of HR, in intensity levels.
    """
    cells = len(said.vector)
    side = math.isqrt(cells)
    power = float(np.trace(said.matrix)) / cells
    matrix = said.matrix + smoothness * power * roughness((side, side))
    matrix -= noise**2 * said.noise * np.eye(cells)
    found = np.asarray(np.linalg.solve(matrix, said.vector), np.float64)
    return normalise(found.reshape(side, side))


def relative_error(estimate: Array, truth: Array) -> float:
    """|estimate - truth| / |truth| in L2."""
    return float(np.linalg.norm(estimate - truth) / np.linalg.norm(truth))


@dataclass(frozen=True)
class Measured:
    """The kernel, and what it was measured on."""

    kernel: Array
    """(k, k), free in form, sum 1."""
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
    textured = int(registered.textured(limits).sum())
    accepted = int(registered.accepted.sum())
    return accepted >= max(FEWEST_BLOCKS, LEAST_SHARE * textured)


def first_kernel(scale: int) -> Array:
    """The Gaussian that registration begins with."""
    size = SIZES[scale]
    return gaussian(size, (START * scale) ** 2 * np.eye(2), target_centre(size, scale))


def measure(
    pairs: Sequence[Pair],
    *,
    rounds: int = 6,
    noise: float = 0.0,
    side: int | None = None,
    found: Sequence[Registered] = (),
) -> Measured:
    """Register all pairs and solve for their one kernel, in turns.

    Args:
        pairs: at most some pixels apart, of one camera and one scale.
        rounds: at most.
        noise: standard deviation of HR's noise, in intensity levels.
        side: of blocks, in LR pixels; see `Pair.grid`.
        found: the pairs, registered with `first_kernel`; registered now without them.

    Raises:
        ValueError: if no pair registers.
    """
    scale, changes = pairs[0].scale, list[float]()
    kernel = first_kernel(scale)
    found = found or [register(pair, kernel, grid=pair.grid(side)) for pair in pairs]
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
        off = offset(solved, scale)
        kernel = normalise(spline_shift(solved, (-off[0], -off[1]), order=3, mode="grid-constant"))
        found = [one.moved(off) for one in found]
        if changes[-1] < SETTLED:
            break
    left_out = [one for one in found if not registers(one)]
    return Measured(kernel, kept, said, left_out, changes)

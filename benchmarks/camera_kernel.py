"""Kernels of given forms, and of unit gain, from the same equations as the kernel that is free in
form (`pairmill.models.registration.kernel`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from pairmill.models.functional.kernels import gaussian, target_centre
from pairmill.models.registration.grid import Array, roughness
from pairmill.models.registration.kernel import SMOOTHNESS, Equations

SIZE = 17
CENTRE = target_centre(SIZE, 2)


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

"""Single random values for programs, each from plain doubles of the stream and rounded so that
programs stay short.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np

from pairmill.pipeline.rng import pick
from pairmill.schemas.ops.noise import Covariance

T = TypeVar("T")
K = TypeVar("K", bound=str)
RIDGE = 1e-5
"""Added to the diagonal of a unit covariance: more than rounding to six digits can take away, so
that it stays definite."""


def short(value: float) -> float:
    """`value` with six significant digits; also what a last bit of exp, log or sin may differ by
    between machines vanishes.
    """
    return float(f"{value:.6g}")


def uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A number of [least, largest], to six digits."""
    low, high = bounds
    return min(max(short(low + (high - low) * float(rng.random())), low), high)


def log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A number of [least, largest], both above 0, whose logarithm is uniform."""
    low, high = bounds
    return min(max(short(low * math.exp(math.log(high / low) * float(rng.random()))), low), high)


def integer(rng: np.random.Generator, bounds: tuple[int, int], step: int = 1) -> int:
    """A whole number of [least, largest], both included, at `step` from the least."""
    low, high = bounds
    return low + step * pick(rng, (high - low) // step + 1)


def odd(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    """An odd number between two odd ones, both included."""
    return integer(rng, bounds, 2)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with a probability; costs one double whatever it is."""
    return bool(rng.random() < probability)


def one_of(rng: np.random.Generator, values: Sequence[T]) -> T:
    """One of some values, all as likely."""
    return values[pick(rng, len(values))]


def weighted(rng: np.random.Generator, weights: Mapping[K, float]) -> K:
    """A key by its weight; the order in which the keys are written does not matter."""
    names = sorted(weights)
    return names[weighted_index(rng, [weights[name] for name in names])]


def weighted_index(rng: np.random.Generator, weights: Sequence[float]) -> int:
    """An index by its weight; of weight 0 never."""
    bounds = list(accumulate(weights))
    found = bisect_right(bounds, float(rng.random()) * bounds[-1])
    return min(found, bisect_left(bounds, bounds[-1]))


def shuffled(rng: np.random.Generator, values: Sequence[T]) -> list[T]:
    """All values in random order (Fisher and Yates)."""
    order = list(values)
    for last in range(len(order) - 1, 0, -1):
        other = pick(rng, last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def key(rng: np.random.Generator) -> str:
    """Key of a stream of its own, for a field of random numbers: 128 raw bits in hexadecimal."""
    first, second = (int(word) for word in rng.bit_generator.random_raw(2))
    return f"{first:016x}{second:016x}"


def covariance(rng: np.random.Generator, level: float) -> Covariance:
    """Covariance of noise whose channels hang together, in units of `level` squared (BSRGAN,
    Gaussian noise).

    |U^T D U| entry by entry, with D = diag(3 x U(0, 1)) and U an orthonormal basis of the range of
    a random matrix. The absolute values of a positive semi-definite 3 x 3 matrix are one again.
    """
    spread = np.array([rng.random() for _ in range(3)])
    matrix = np.array([[rng.random() for _ in range(3)] for _ in range(3)])
    basis = np.linalg.svd(matrix)[0]
    unit = np.abs(basis.T @ np.diag(spread) @ basis) + RIDGE * np.eye(3)
    unit = (unit + unit.T) / 2
    rows = [[short(level * level * float(entry)) for entry in row] for row in unit]
    return (
        (rows[0][0], rows[0][1], rows[0][2]),
        (rows[1][0], rows[1][1], rows[1][2]),
        (rows[2][0], rows[2][1], rows[2][2]),
    )


class Random:
    """Takes values of a recipe's ranges and choices at random; see
    `pairmill.schemas.degraders.ranged.Chooser`.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one_of(self, values: Sequence[Any]) -> Any:
        """One of some values, all as likely."""
        return one_of(self.rng, values)

    def between(self, low: float, high: float) -> float:
        """A number of a range, uniform."""
        return uniform(self.rng, (low, high))

    def integer(self, low: int, high: int, step: int) -> int:
        """A whole number of a range, uniform."""
        return integer(self.rng, (low, high), step)

    def log_between(self, low: float, high: float) -> float:
        """A number of a range, log-uniform."""
        return log_uniform(self.rng, (low, high))

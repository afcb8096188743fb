"""What a degrader is, and what it may draw on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from schemas.program import Program


@dataclass(frozen=True)
class PoolInfo:
    """All that a draw needs to know of a pool."""

    digest: str
    count: int
    side: int
    """Side of a kernel or a patch, in pixels."""


@dataclass(frozen=True)
class Pools:
    """The pools at hand."""

    kernels: PoolInfo | None = None
    noise: PoolInfo | None = None


class Degrader(Protocol):
    """A distribution over programs."""

    def __init__(self, config: Any, scale: int, pools: Pools) -> None:
        """Check that the degrader can work with this."""

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """One program for an HR tile of (rows, columns); all that is random is drawn here."""

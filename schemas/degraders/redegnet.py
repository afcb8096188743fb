"""Settings of the learned degrader ReDegNet; how it is fitted stands in the recipe's section
`redegnet`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.ranges import Levels, Probability


class RedegnetConfig(DegraderBase):
    """ReDegNet (Li et al. 2022): the degradation of a real pair, drawn from a pool of them, on
    every HR tile.
    """

    kind: Literal["redegnet"] = "redegnet"
    """Which degrader."""
    accept_failed: bool = False
    """Whether to draw from a fit that failed its gates."""
    noise: Probability = 0.4
    """Probability of white noise on the degraded tile before it is downscaled; it covers what
    SynNet may have hidden in it."""
    noise_sigma: Levels = Field(default=(0.0, 25.5))
    """Standard deviation of that noise at HR size, in intensity levels; bicubic downscaling by s
    leaves about 1 / s of it."""

    learns_from: ClassVar[Literal["pairs"]] = "pairs"

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        return ("redegnet", "codes")

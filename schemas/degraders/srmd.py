"""Settings of SRMD's degradation."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.ranges import Levels, Probability, Variances
from pairmill.schemas.ops.blur import Border


class SrmdConfig(DegraderBase):
    """SRMD (Zhang et al. 2018): anisotropic Gaussian blur, bicubic downscaling, white Gaussian
    noise.
    """

    kind: Literal["srmd"] = "srmd"
    """Which degrader."""
    size: int = Field(default=15, ge=1, le=65, json_schema_extra={"not": {"multipleOf": 2}})
    """Side of the kernel, in pixels, odd."""
    variance: Variances = (0.1, 10.1)
    """Variance of the kernel along its long axis, in pixels squared; along the short one it lies
    between the least and that."""
    border: Border = "wrap"
    """What lies beyond the border for the blur."""
    clean: Probability = 0.1
    """Probability that there is no noise."""
    noise: Levels = (0.0, 50.0)
    """Standard deviation of the noise otherwise, in intensity levels."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.size % 2 == 0:
            raise ValueError(f"size must be odd, got {self.size}")
        return self

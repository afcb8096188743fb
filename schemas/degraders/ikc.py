"""Settings of IKC's degradation."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.ranges import Levels, Probability, Sigmas

LARGEST = {2: 2.0, 3: 3.0, 4: 4.0}
"""Largest published width by scale, in pixels."""


class GaussianBlurBase(DegraderBase):
    """A Gaussian kernel of a width that depends on the scale, and bicubic downscaling."""

    size: int = Field(default=21, ge=1, le=65, json_schema_extra={"not": {"multipleOf": 2}})
    """Side of the kernel, in pixels, odd."""
    width: Sigmas | None = None
    """Width of the kernel, in HR pixels; none takes the published [0.2, s] of scales s = 2, 3 and
    4."""
    anisotropic: Probability = 0.0
    """Probability that the kernel is an ellipse: its second width is U(0, 3) times the first, kept
    in the range."""

    def problem(self, scale: int) -> str | None:
        """See `DegraderBase.problem`."""
        if self.size % 2 == 0:
            return f"size must be odd, got {self.size}"
        if self.width is None and scale not in LARGEST:
            return (
                f"its published widths are for scales 2, 3 and 4; at {scale} say `width: "
                f"[0.2, {scale}.0]` and `size: 41`"
            )
        return None

    def filled(self, s: int) -> Self:
        """See `DegraderBase.filled`; beyond the published scales what `problem` names."""
        if self.width is not None:
            return self
        return self.model_copy(update={"width": (0.2, LARGEST.get(s, float(s)))})

    def widths(self, scale: int) -> tuple[float, float]:
        """Smallest and largest width at a scale, in pixels."""
        return self.width or (0.2, LARGEST[scale])


class IkcConfig(GaussianBlurBase):
    """IKC (Gu et al. 2019): isotropic Gaussian blur, bicubic downscaling, and optional Gaussian
    noise.
    """

    kind: Literal["ikc"] = "ikc"
    """Which degrader."""
    noise: Probability = 0.0
    """Probability of noise; the published training has none (its code would take 0.8)."""
    noise_sigma: Levels = (0.0, 20.4)
    """Standard deviation of that noise, in intensity levels; 20.4 is the published 0.08 of
    white."""

"""Settings of RealSR's degradation."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from pairmill.schemas.degraders.base import DegraderBase


class RealSrConfig(DegraderBase):
    """RealSR (Ji et al. 2020): a pooled kernel, then crops of pooled noise patches; then JPEG, if
    the real images were JPEGs.
    """

    kind: Literal["realsr"] = "realsr"
    """Which degrader."""
    strength: tuple[float, float] = (0.8, 1.2)
    """Least and largest factor on the noise, drawn uniformly; 1 is as mined."""

    compression: Literal["auto", "off", "always"] = "auto"
    """Whether LR is compressed at last as a real image was: `auto` compresses the share of the
    samples that is compressed among the real images, `always` all of them, `off` none."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.strength
        if not 0 <= low <= high:
            raise ValueError(f"strength must be 0 <= least <= largest, got [{low}, {high}]")
        return self

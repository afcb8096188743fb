"""Settings of RealSR's degradation."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from pairmill.schemas.degraders.base import DegraderBase


class RealSrConfig(DegraderBase):
    """RealSR (Ji et al. 2020): a pooled kernel, then crops of pooled noise patches; then JPEG, if
    the real images were JPEGs.
    """

    kind: Literal["realsr"] = "realsr"
    """Which degrader."""
    strength: tuple[float, float] = (0.8, 1.2)
    """Smallest and largest factor on the noise, drawn uniformly; 1 is as mined."""

    compression: Literal["auto", "off", "always"] = "auto"
    """Whether LR is finally compressed the way a real image was: `auto` compresses the share of the
    samples that is compressed among the real images, `always` all of them, `off` none."""

    learns_from: ClassVar[Literal["real"]] = "real"

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        compression = () if self.compression == "off" else ("compression",)
        return ("kernels", "noise", *compression)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.strength
        if not 0 <= low <= high:
            raise ValueError(f"strength must be 0 <= least <= largest, got [{low}, {high}]")
        return self

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
    noise: Literal["by_level", "as_mined", "raw", "auto"] = "auto"
    """How strong a noise patch is: as the camera's noise is at the level of the LR, or as it was
    where it was mined; or `raw`: no patches, but shot and read noise on the camera's sensor, behind
    which LR is demosaicked and developed; `auto`: by level or raw, for each group of photographs
    what realism finds nearer to them; raw where no patch was found, and no noise where no
    photograph shows any."""
    strength: tuple[float, float] | None = None
    """Smallest and largest factor on the noise, drawn uniformly; none is [1, 1] by level and raw,
    which know how photographs differ, and [0.8, 1.2] as mined."""

    compression: Literal["auto", "off", "always"] = "auto"
    """Whether LR is finally compressed the way a real image was: `auto` compresses the share of the
    samples that is compressed among the real images, `always` all of them, `off` none."""

    learns_from: ClassVar[Literal["real"]] = "real"

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        compression = () if self.compression == "off" else ("compression",)
        levels = ("noise_levels",) if self.noise != "as_mined" else ()
        choice = ("noise_choice",) if self.noise == "auto" else ()
        return ("kernels", "noise", *levels, *compression, *choice)

    @property
    def needs(self) -> tuple[str, ...]:
        """See `DegraderBase.needs`: noise on the sensor takes no patches."""
        kinds = self.draws_from
        return tuple(kind for kind in kinds if kind != "noise") if self.needs_raw else kinds

    @property
    def needs_raw(self) -> bool:
        """Whether noise on the sensor must be known."""
        return self.noise in ("raw", "auto")

    def filled(self, s: int) -> Self:  # noqa: ARG002
        """See `DegraderBase.filled`."""
        published = self.strengths(fitted=self.noise != "as_mined")
        return self.model_copy(update={"strength": published})

    def strengths(self, *, fitted: bool) -> tuple[float, float]:
        """Smallest and largest factor on the noise, whose strength was fitted or is as mined."""
        if self.strength is not None:
            return self.strength
        return (1.0, 1.0) if fitted else (0.8, 1.2)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.strength or (1.0, 1.0)
        if not 0 <= low <= high:
            raise ValueError(f"strength must be 0 <= least <= largest, got [{low}, {high}]")
        return self

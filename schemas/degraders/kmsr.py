"""Settings of KMSR's degradation; how its kernels are made stands in the recipe's section
`kmsr`.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.degraders.base import DegraderBase


class KmsrConfig(DegraderBase):
    """KMSR (Zhou and Süsstrunk 2019): estimated kernels, and new ones from a generator that was
    fitted to them.
    """

    kind: Literal["kmsr"] = "kmsr"
    """Which degrader."""
    real: float = Field(default=0.5, ge=0, le=1)
    """Share of the samples whose kernel is an estimated one; all others get a generated one."""
    noise: bool = False
    """Whether crops of pooled noise patches are added, as realsr does."""
    strength: tuple[float, float] = (0.8, 1.2)
    """Smallest and largest factor on that noise, drawn uniformly; 1 is as mined."""

    learns_from: ClassVar[Literal["real"]] = "real"

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        return ("kernels", "generated_kernels", *(("noise",) if self.noise else ()))

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.strength
        if not 0 <= low <= high:
            raise ValueError(f"strength must be 0 <= least <= largest, got [{low}, {high}]")
        return self

    def problem(self, scale: int) -> str | None:
        """See `DegraderBase.problem`."""
        if scale == 3:
            return "it composes x2 kernels and allows scales 2, 4 and 8, got 3"
        return None

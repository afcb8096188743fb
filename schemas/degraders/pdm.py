"""Settings of the learned degrader PDM; how it is fitted stands in the recipe's section `pdm`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.degraders.base import DegraderBase


class PdmConfig(DegraderBase):
    """PDM (Luo et al. 2022): kernels and noise learned from the real images, drawn anew for every
    tile.
    """

    kind: Literal["pdm"] = "pdm"
    """Which degrader."""
    accept_failed: bool = False
    """Whether to draw from a fit that failed its gates."""

    learns_from: ClassVar[Literal["real"]] = "real"

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        return ("pdm",)

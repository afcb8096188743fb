"""Settings of the learned degrader PDM; how it is fitted stands in the recipe's section `pdm`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.base import Grown
from pairmill.schemas.degraders.base import DegraderBase


class PdmConfig(DegraderBase, Grown):
    """PDM (Luo et al. 2022): kernels and noise learned from the real images, drawn anew for every
    tile.
    """

    added: ClassVar[tuple[str, ...]] = ("compression",)
    kind: Literal["pdm"] = "pdm"
    """Which degrader."""
    accept_failed: bool = False
    """Whether to draw from a fit that failed its gates."""

    compression: Literal["auto", "off"] = "auto"
    """Whether LR is finally compressed the way a real image was: `auto` compresses the share of the
    samples that is compressed among the real images, where the fit started from what is measured;
    `off` none."""

    learns_from: ClassVar[Literal["real"]] = "real"

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        return ("pdm",) if self.compression == "off" else ("compression", "pdm")
